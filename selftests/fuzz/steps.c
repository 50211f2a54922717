// SPDX-License-Identifier: GPL-2.0
/* Reads the steps of steps.h. */
#include "steps.h"

#include <stdlib.h>
#include <string.h>

static int hex(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c | ('A' ^ 'a')) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* What stands behind a backslash; returns how many octets of it were used, 0 if it is none. */
static size_t unescape(const char *data, size_t len, char *out)
{
	static const char names[] = "rnt0\\", octets[] = "\r\n\t\0\\";
	const char *at;

	if (len >= 3 && data[0] == 'x' && hex(data[1]) >= 0 && hex(data[2]) >= 0) {
		*out = (char)(hex(data[1]) * 16 + hex(data[2]));
		return 3;
	}
	at = len && data[0] ? strchr(names, data[0]) : NULL;
	if (!at)
		return 0;
	*out = octets[at - names];
	return 1;
}

static void decode(struct step *step, const char *data, size_t len)
{
	size_t at = 0, used;

	step->len = 0;
	while (at < len && step->len < STEP_TEXT - 3) {
		char c = data[at++];

		if (c == '\\') {
			used = unescape(data + at, len - at, &c);
			at += used;
		}
		step->text[step->len++] = c;
	}
	if (step->kind == 'C' || step->kind == 'S') {
		memcpy(step->text + step->len, "\r\n", 2);
		step->len += 2;
	}
	step->text[step->len] = '\0';
}

/* "*100" behind the first octet. */
static size_t repeats(struct step *step, const char *data, size_t len)
{
	size_t at = 1;

	step->times = 1;
	if (len < 2 || data[1] != '*')
		return at;
	step->times = 0;
	for (at = 2; at < len && data[at] >= '0' && data[at] <= '9'; at++)
		if (step->times < STEPS_OCTETS)
			step->times = step->times * 10 + (unsigned int)(data[at] - '0');
	return at;
}

bool step_next(struct steps *all, struct step *out)
{
	const char *end = all->len ? memchr(all->data, '\n', all->len) : NULL;
	size_t len = end ? (size_t)(end - all->data) : all->len, at;

	if (!all->len)
		return false;
	out->kind = len ? all->data[0] : '#';
	at = repeats(out, all->data, len);
	if (at < len && all->data[at] == ' ')
		at++;
	decode(out, all->data + at, at < len ? len - at : 0);
	all->data += len + !!end;
	all->len -= len + !!end;
	if (out->len && out->times > (STEPS_OCTETS - all->spent) / out->len)
		out->times = (unsigned int)((STEPS_OCTETS - all->spent) / out->len);
	if (strchr("CcSs", out->kind))
		all->spent += out->len * out->times;
	return true;
}

size_t step_numbers(const struct step *step, unsigned int *out, size_t most)
{
	const char *at = step->text;
	size_t n = 0;
	char *end;

	for (; n < most; at = end) {
		unsigned long number = strtoul(at, &end, 10);

		if (end == at)
			break;
		out[n++] = number > 100000 ? 100000 : (unsigned int)number;
	}
	return n;
}
