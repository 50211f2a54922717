// SPDX-License-Identifier: GPL-2.0
/*
 * The scripted verdict engine: says what the plan of stage.h says, and rejects
 * content that has a line BADMARK.
 */
#include <errno.h>

#include "stage.h"

static const char mark[] = "\nBADMARK\r\n";

struct verdict_scan {
	size_t	matched;	/* octets of the mark that stand at the end */
	bool	marked;
};

static struct verdict_scan scan;

size_t __wrap_verdict_scan_octets(const struct verdict_bench *b);
int __wrap_verdict_scan_new(struct verdict_bench *b, struct verdict_scan **out);
void __wrap_verdict_scan_feed(struct verdict_scan *s, const char *data, size_t len);
bool __wrap_verdict_scan_certain(const struct verdict_scan *s);
int __wrap_verdict_scan_end(struct verdict_scan *s, const struct facts *facts,
			    int64_t reject_score, struct verdict *out);
void __wrap_verdict_scan_free(struct verdict_scan *s);

size_t __wrap_verdict_scan_octets(const struct verdict_bench *b)
{
	(void)b;
	return sizeof(scan);
}

int __wrap_verdict_scan_new(struct verdict_bench *b, struct verdict_scan **out)
{
	(void)b;
	if (stage.plan.broken)
		return -ENOMEM;
	stage.scans++;
	/* A message begins at the start of a line. */
	scan = (struct verdict_scan){ .matched = 1 };
	*out = &scan;
	return 0;
}

void __wrap_verdict_scan_feed(struct verdict_scan *s, const char *data, size_t len)
{
	for (size_t i = 0; i < len && !s->marked; i++) {
		if (data[i] == mark[s->matched])
			s->matched++;
		else
			s->matched = data[i] == mark[0];
		s->marked = s->matched == sizeof(mark) - 1;
	}
}

bool __wrap_verdict_scan_certain(const struct verdict_scan *s)
{
	return stage.plan.certain || (stage.plan.early && s->marked);
}

int __wrap_verdict_scan_end(struct verdict_scan *s, const struct facts *facts,
			    int64_t reject_score, struct verdict *out)
{
	bool bad = s->marked || stage.plan.certain;

	(void)facts;
	(void)reject_score;
	if (stage.plan.wait)
		return -EAGAIN;
	*out = (struct verdict){ .action = stage.plan.action };
	if (bad && out->action == VERDICT_ACCEPT)
		out->action = VERDICT_REJECT;
	stage.plan.certain = false;
	__wrap_verdict_scan_free(s);
	return 0;
}

void __wrap_verdict_scan_free(struct verdict_scan *s)
{
	if (s)
		stage.scans--;
}
