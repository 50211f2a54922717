// SPDX-License-Identifier: GPL-2.0
/*
 * Damaged frames by the hundred thousand. What must hold for each: a verdict
 * that the program can give, a frame that is untouched unless it became a sound
 * reset, a mark only with a pass, and never more decisions than frames.
 * PROG_MUTATIONS sets the number, PROG_SEED the start.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"
#include "segment.h"

#define MUTATIONS	200000

static uint64_t state;

/* xorshift64: the same frames for the same seed, everywhere. */
static uint32_t chance(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 32) % below;
}

static uint64_t from_environment(const char *name, uint64_t usual)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 10) : usual;
}

static const struct row *any_row(void)
{
	static const struct rows *const all[] = {
		&parse_rows, &screen_rows, &steer_rows, &back_rows,
	};
	const struct rows *rows = all[chance(sizeof(all) / sizeof(*all))];

	return &rows->row[chance(rows->count)];
}

static void flip_bit(struct frame *f)
{
	f->octet[chance(f->len)] ^= 1 << chance(8);
}

static void set_octet(struct frame *f)
{
	static const uint8_t telling[] = {
		0, 1, 4, 5, 6, 25, 40, 43, 44, 60, 0x45, 0x60, 0x7f, 0xff,
	};

	f->octet[chance(f->len)] = telling[chance(sizeof(telling))];
}

static void cut(struct frame *f)
{
	f->len = 14 + chance(f->len - 13);
}

static void repeat(struct frame *f)
{
	unsigned int at = chance(f->len), n = 1 + chance(40);

	if (at + n > f->len || f->len + n > FRAME_SPACE)
		return;
	memmove(f->octet + at + n, f->octet + at, f->len - at);
	f->len += n;
}

static void mutate(struct frame *f)
{
	static void (*const ways[])(struct frame *) = {
		flip_bit, set_octet, set_octet, cut, repeat,
	};
	unsigned int times = chance(4);

	while (times-- && f->len > 14)
		ways[chance(sizeof(ways) / sizeof(*ways))](f);
}

static bool verdict_possible(enum program program, int verdict)
{
	if (program == SCREEN)
		return verdict == 1 || verdict == 2;	/* XDP_DROP, XDP_PASS */
	return verdict == PASS || verdict == DROP || verdict == RESET;
}

static bool same(const struct frame *a, const struct frame *b)
{
	return a->len == b->len && !memcmp(a->octet, b->octet, a->len);
}

/* Tags beyond the one that segment_read() knows are not looked into. */
static bool sound_reset(enum program program, const struct frame *f)
{
	struct segment s;

	if (!segment_read(f, program == STEER_L3, &s))
		return f->octet[12] == 0x81 || f->octet[12] == 0x88 || f->octet[12] == 0x91;
	return (s.flags & RST) && s.ip_sum_right && s.tcp_sum_right && !s.payload && !s.rest;
}

static bool right(enum program program, const struct frame *in, const struct outcome *o)
{
	if (!verdict_possible(program, o->verdict))
		return false;
	if (o->verdict == RESET)
		return (program == STEER || program == STEER_L3 || program == STEER_SCREEN) &&
		       sound_reset(program, &o->frame);
	if (o->mark && (o->verdict != PASS || o->mark != RIG_MARK))
		return false;
	return same(in, &o->frame);
}

static void dump(const char *name, const struct frame *f)
{
	unsigned int i;

	printf("%s:", name);
	for (i = 0; i < f->len; i++)
		printf(" %02x", f->octet[i]);
	printf("\n");
}

static bool one(struct rig *r, unsigned int *runs)
{
	const struct row *row = any_row();
	struct outcome o;
	struct frame f;

	frame_build(&f, &row->spec);
	mutate(&f);
	if (rig_try(r, row->program, &f, &o) == -EINVAL)
		return true;
	(*runs)++;
	if (right(row->program, &f, &o))
		return true;
	dump(row->name, &f);
	dump("became", &o.frame);
	return false;
}

Test(mutate, nothing_untoward, .timeout = 600)
{
	uint64_t n = from_environment("PROG_MUTATIONS", MUTATIONS), i;
	uint64_t seed = from_environment("PROG_SEED", 0x706f737465726e);
	struct rig *r = rig_make();
	unsigned int runs = 0;

	state = seed;
	for (i = 0; i < n; i++)
		cr_assert(one(r, &runs), "seed %llu, frame %llu", (unsigned long long)seed,
			  (unsigned long long)i);
	cr_expect_geq(runs, n / 2, "only %u of the frames were run", runs);
	cr_expect_leq(rig_count_all(r), runs + rig_count(r, POSTERN_R_steered));
	rig_free(r);
}
