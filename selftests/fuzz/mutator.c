// SPDX-License-Identifier: GPL-2.0
/*
 * Changes an input step by step rather than octet by octet. The target says in
 * `mutator_steps` what its steps look like. Linked only where libFuzzer is.
 */
#include "mutator.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LINES	512

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *two,
				 size_t two_size, uint8_t *out, size_t max_out, unsigned int seed);

struct line {
	const char	*data;
	size_t		len;
};

struct lines {
	size_t		count;
	struct line	line[LINES];
};

static unsigned int state;

static size_t below(size_t n)
{
	state = state * 1664525u + 1013904223u;
	return n ? (state >> 8) % n : 0;
}

static void split(struct lines *ls, const char *data, size_t len)
{
	ls->count = 0;
	while (len && ls->count < LINES) {
		const char *end = memchr(data, '\n', len);
		size_t n = end ? (size_t)(end - data) : len;

		ls->line[ls->count++] = (struct line) { data, n };
		data += n + !!end;
		len -= n + !!end;
	}
}

static size_t join(const struct lines *ls, char *out, size_t max)
{
	size_t len = 0, i;

	for (i = 0; i < ls->count; i++) {
		if (len + ls->line[i].len + 1 > max)
			break;
		memcpy(out + len, ls->line[i].data, ls->line[i].len);
		len += ls->line[i].len;
		out[len++] = '\n';
	}
	return len;
}

static void insert(struct lines *ls, size_t at, struct line line)
{
	if (ls->count == LINES)
		return;
	memmove(ls->line + at + 1, ls->line + at, (ls->count - at) * sizeof(ls->line[0]));
	ls->line[at] = line;
	ls->count++;
}

static void delete(struct lines *ls, size_t at, size_t n)
{
	if (at + n > ls->count)
		n = ls->count - at;
	memmove(ls->line + at, ls->line + at + n,
		(ls->count - at - n) * sizeof(ls->line[0]));
	ls->count -= n;
}

static struct line some_step(void)
{
	size_t n = 0;

	while (mutator_steps[n])
		n++;
	n = below(n);
	return (struct line) { mutator_steps[n], strlen(mutator_steps[n]) };
}

/* Whole passages: a greeting, a message and its answers. */
static void insert_passage(struct lines *ls, size_t at)
{
	struct lines more;
	size_t n = 0;

	while (mutator_passages[n])
		n++;
	n = below(n);
	split(&more, mutator_passages[n], strlen(mutator_passages[n]));
	while (more.count)
		insert(ls, at, more.line[--more.count]);
}

/* One step in two, the first without its line end. */
static void cut_line(struct lines *ls, size_t at, char *room)
{
	struct line *l = &ls->line[at], first;
	size_t cut;

	if (l->len < 4 || !strchr("CcSs", l->data[0]) || l->data[1] != ' ')
		return;
	cut = 2 + below(l->len - 2);
	memcpy(room, l->data, l->len);
	first = (struct line) { room, cut };
	room[0] |= 'a' ^ 'A';
	room[cut + l->len] = l->data[0];
	room[cut + l->len + 1] = ' ';
	memcpy(room + cut + l->len + 2, l->data + cut, l->len - cut);
	*l = (struct line) { room + cut + l->len, 2 + l->len - cut };
	insert(ls, at, first);
}

static void end_line_otherwise(struct lines *ls, size_t at, char *room)
{
	static const char *const ends[] = {
		"\\n", "\\r", "\\r\\r\\n", "\\n\\r\\n", "\\n.\\n", "\\r\\n.\\r", "\\0",
		"\\r\\n.\\n", "\\n.\\r\\n", "\\r\\n.\\r\\n", ".", "",
	};
	const char *end = ends[below(sizeof(ends) / sizeof(ends[0]))];
	struct line *l = &ls->line[at];

	if (!l->len || !strchr("CcSs", l->data[0]))
		return;
	memcpy(room, l->data, l->len);
	room[0] |= 'a' ^ 'A';
	memcpy(room + l->len, end, strlen(end));
	*l = (struct line) { room, l->len + strlen(end) };
}

static void change(struct lines *ls, char *room)
{
	size_t at = below(ls->count), other = below(ls->count);
	struct line l;

	switch (below(9)) {
	case 0: delete(ls, at, 1 + below(3)); break;
	case 1: insert(ls, other, ls->line[at]); break;
	case 2: l = ls->line[at]; ls->line[at] = ls->line[other]; ls->line[other] = l; break;
	case 3: case 4: insert(ls, at + below(2), some_step()); break;
	case 5: ls->line[at] = some_step(); break;
	case 6: cut_line(ls, at, room); break;
	case 7: end_line_otherwise(ls, at, room); break;
	case 8: insert_passage(ls, at); break;
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	static char room[4][3 * 65536], out[65536];
	static struct lines ls;
	size_t i, n;

	state = seed;
	if (below(5) == 0 || size > 65000 || max_size > sizeof(out))
		return LLVMFuzzerMutate(data, size, max_size);
	split(&ls, (const char *)data, size);
	n = 1 + below(4);
	for (i = 0; i < n; i++) {
		if (ls.count)
			change(&ls, room[i]);
		else
			insert_passage(&ls, 0);
	}
	n = join(&ls, out, max_size);
	memcpy(data, out, n);
	return n;
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *two,
				 size_t two_size, uint8_t *out, size_t max_out, unsigned int seed)
{
	static struct lines a, b;
	size_t at, i, n;

	state = seed;
	split(&a, (const char *)one, one_size);
	split(&b, (const char *)two, two_size);
	at = below(b.count);
	n = below(b.count - at) + 1;
	if (below(2))
		delete(&a, below(a.count), a.count);
	for (i = 0; i < n && at + i < b.count; i++)
		insert(&a, below(2) ? a.count : below(a.count), b.line[at + i]);
	return join(&a, (char *)out, max_out);
}
