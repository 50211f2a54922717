// SPDX-License-Identifier: GPL-2.0
/* One value of postern.conf: text to field, by the kind of its row. Pure. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf_private.h"

/* Whole number, decimal or 0x; -EINVAL, -ERANGE. */
static int number_parse(const char *text, int64_t *out)
{
	const char *digits = text + (*text == '-');
	bool hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
	const char *set = hex ? "0123456789abcdefABCDEF" : "0123456789";

	digits += hex ? 2 : 0;
	if (!*digits || digits[strspn(digits, set)])
		return -EINVAL;
	errno = 0;
	*out = strtoll(text, NULL, hex ? 16 : 10);
	return errno ? -ERANGE : 0;
}

static int num_value(const struct conf_param *p, const char *text, void *field, int line,
		     struct conf_faults *faults)
{
	int64_t n;
	int err = number_parse(text, &n);

	if (err == -EINVAL)
		conf_fault(faults, line, "%s = \"%s\" is not a number, expected %" PRId64
			   " to %" PRId64 "%s%s", p->name, text, p->low, p->high,
			   *p->unit ? " " : "", p->unit);
	else if (err || n < p->low || n > p->high)
		conf_fault(faults, line, "%s = %s is out of range, expected %" PRId64
			   " to %" PRId64 "%s%s", p->name, text, p->low, p->high,
			   *p->unit ? " " : "", p->unit);
	else {
		*(int64_t *)field = n;
		return 0;
	}
	return -EINVAL;
}

static const struct {
	char letter;
	int64_t seconds;
} span_units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { '\0', 1 } };

/* "90", "90s", "5m", "2h", "1d" to seconds; -EINVAL, -ERANGE. */
static int span_parse(const char *text, int64_t *seconds)
{
	size_t digits = strspn(text, "0123456789"), i = 0;
	size_t units = sizeof(span_units) / sizeof(span_units[0]);

	while (i < units && span_units[i].letter != text[digits])
		i++;
	if (digits == 0 || i == units || (text[digits] && text[digits + 1]))
		return -EINVAL;
	if (digits > 12)
		return -ERANGE;
	*seconds = strtoll(text, NULL, 10) * span_units[i].seconds;
	return 0;
}

static int span_value(const struct conf_param *p, const char *text, void *field, int line,
		      struct conf_faults *faults)
{
	int64_t seconds;
	int err = span_parse(text, &seconds);

	if (err == -EINVAL)
		conf_fault(faults, line, "%s = \"%s\" is not a length of time, expected such as "
			   "30s, 5m, 2h or 1d", p->name, text);
	else if (err || seconds < p->low || seconds > p->high)
		conf_fault(faults, line, "%s = %s is out of range, expected %" PRId64 "s to %"
			   PRId64 "s", p->name, text, p->low, p->high);
	else {
		*(uint64_t *)field = (uint64_t)seconds * NS_PER_SEC;
		return 0;
	}
	return -EINVAL;
}

static int text_value(const struct conf_param *p, const char *text, void *field, int line,
		      struct conf_faults *faults)
{
	size_t len = strlen(text);
	char *copy;

	if ((int64_t)len < p->low || (int64_t)len > p->high) {
		conf_fault(faults, line, "%s has %zu octets, expected %" PRId64 " to %" PRId64,
			   p->name, len, p->low, p->high);
		return -EINVAL;
	}
	copy = strdup(text);
	if (!copy) {
		faults->no_memory = true;
		return -ENOMEM;
	}
	free(*(char **)field);
	*(char **)field = copy;
	return 0;
}

static int flag_value(const struct conf_param *p, const char *text, void *field, int line,
		      struct conf_faults *faults)
{
	bool yes = strcmp(text, "true") == 0;

	if (!yes && strcmp(text, "false") != 0) {
		conf_fault(faults, line, "%s = \"%s\" is not known, expected true or false",
			   p->name, text);
		return -EINVAL;
	}
	*(bool *)field = yes;
	return 0;
}

/* "a|b|c" as "a, b or c". */
static void list_words(const char *list, char *out, size_t size)
{
	const char *last = strrchr(list, '|');
	size_t len = 0;

	for (const char *p = list; *p && len + 6 < size; p++) {
		const char *between = p == last ? " or " : ", ";

		if (*p != '|')
			out[len++] = *p;
		else
			len = (size_t)(stpcpy(out + len, between) - out);
	}
	out[len] = '\0';
}

static int word_value(const struct conf_param *p, const char *text, void *field, int line,
		      struct conf_faults *faults)
{
	size_t len = strlen(text);
	char list[128];
	int place = 0;

	for (const char *word = p->unit; word; place++) {
		const char *bar = strchr(word, '|');
		size_t word_len = bar ? (size_t)(bar - word) : strlen(word);

		if (word_len == len && memcmp(word, text, len) == 0) {
			*(int *)field = place;
			return 0;
		}
		word = bar ? bar + 1 : NULL;
	}
	list_words(p->unit, list, sizeof(list));
	conf_fault(faults, line, "%s = \"%s\" is not known, expected %s", p->name, text, list);
	return -EINVAL;
}

int conf_value(const struct conf_param *p, const char *text, void *base, int line,
	       struct conf_faults *faults)
{
	static int (*const kinds[])(const struct conf_param *, const char *, void *, int,
				    struct conf_faults *) = {
		[CONF_KIND_NUM] = num_value,
		[CONF_KIND_SPAN] = span_value,
		[CONF_KIND_TEXT] = text_value,
		[CONF_KIND_FLAG] = flag_value,
		[CONF_KIND_WORD] = word_value,
	};

	return kinds[p->kind](p, text, (char *)base + p->offset, line, faults);
}

void conf_default(const struct conf_param *p, void *base, struct conf_faults *faults)
{
	char **field = (char **)((char *)base + p->offset);

	if (p->kind != CONF_KIND_TEXT) {
		conf_value(p, p->def, base, 0, faults);
		return;
	}
	*field = strdup(p->def);
	if (!*field)
		faults->no_memory = true;
}
