// SPDX-License-Identifier: GPL-2.0
/* The two budgets of the screen: SYNs of a line, and whatever a refused line sends. */
#include <bpf/bpf.h>
#include <criterion/criterion.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "rows.h"

#define BUDGET_LINE	"10.69.0.1"
#define REFUSED_LINE	"10.66.0.1"
#define FULL		(clock_boot() + 3 * NS_PER_SEC)

static void budget_is(struct rig *r, const char *line, uint64_t tat)
{
	struct postern_addr key = rig_addr(line);

	cr_assert_eq(bpf_map_update_elem(r->map[BUDGETS], &key, &tat, BPF_ANY), 0);
}

static void spent(struct rig *r)
{
	budget_is(r, BUDGET_LINE, FULL);
	budget_is(r, REFUSED_LINE, FULL);
	budget_is(r, "10.64.0.9", FULL);
}

static void spent_in_shadow(struct rig *r)
{
	struct postern_settings set = rig_settings(r);

	spent(r);
	set.mode = POSTERN_SHADOW;
	rig_settings_set(r, set);
}

static void spent_in_bypass(struct rig *r)
{
	struct postern_settings set = rig_settings(r);

	spent(r);
	set.bypass_until = POSTERN_FOREVER;
	rig_settings_set(r, set);
}

static void spent_to_smarthost(struct rig *r)
{
	spent(r);
	rig_destination(r, MX4, POSTERN_DEST_PASS, 0);
}

static void spent_to_own(struct rig *r)
{
	spent(r);
	rig_destination(r, MX4, POSTERN_DEST_OWN, 0);
}

static void spent_and_exempt(struct rig *r)
{
	struct postern_line value = { .treatment = POSTERN_EXEMPT };

	spent(r);
	rig_line(r, BUDGET_LINE, value);
}

static void spent_and_greeted(struct rig *r)
{
	struct postern_line value = { .treatment = POSTERN_REFUSE, .class = CLASS_GREET };

	rig_line(r, REFUSED_LINE, value);
	spent(r);
}

static const struct row rows[] = {
	{ "within the budget", SCREEN, { .src = BUDGET_LINE }, .verdict = XDP_PASS },
	{ "budget spent", SCREEN, { .src = BUDGET_LINE }, spent,
	  .verdict = XDP_DROP, .reason = POSTERN_R_syn_budget },
	{ "budget spent, tc", STEER_SCREEN, { .src = BUDGET_LINE }, spent, .verdict = DROP,
	  .reason = POSTERN_R_syn_budget },
	{ "budget spent, behind a screen", STEER, { .src = BUDGET_LINE }, spent, .verdict = PASS,
	  .reason = POSTERN_R_steered, .marked = true },
	{ "budget spent, data", SCREEN, { .src = BUDGET_LINE, .flags = ACK }, spent,
	  .verdict = XDP_PASS },
	{ "budget spent, other port", SCREEN, { .src = BUDGET_LINE, .dport = 26 }, spent,
	  .verdict = XDP_PASS },
	{ "budget spent, smarthost", SCREEN, { .src = BUDGET_LINE }, spent_to_smarthost,
	  .verdict = XDP_PASS },
	{ "budget spent, own address", SCREEN, { .src = BUDGET_LINE }, spent_to_own,
	  .verdict = XDP_PASS },
	{ "budget spent, exempt", SCREEN, { .src = BUDGET_LINE }, spent_and_exempt,
	  .verdict = XDP_PASS },
	{ "budget spent, bypass", SCREEN, { .src = BUDGET_LINE }, spent_in_bypass,
	  .verdict = XDP_PASS },
	{ "budget spent, shadow", SCREEN, { .src = BUDGET_LINE }, spent_in_shadow,
	  .verdict = XDP_PASS,
	  .reason = POSTERN_R_shadow_drop, .would = POSTERN_R_syn_budget },
	{ "class without a budget", SCREEN, {}, spent, .verdict = XDP_PASS },
	{ "refused, within reason", SCREEN, { .src = REFUSED_LINE }, .verdict = XDP_PASS },
	{ "refused, flooding", SCREEN, { .src = REFUSED_LINE }, spent, .verdict = XDP_DROP,
	  .reason = POSTERN_R_refused_flood },
	{ "refused, data: it may be of a session of ours", SCREEN,
	  { .src = REFUSED_LINE, .flags = ACK }, spent, .verdict = XDP_PASS },
	{ "refused, flooding with data", STEER, { .src = REFUSED_LINE, .flags = ACK }, spent,
	  .verdict = DROP, .reason = POSTERN_R_refused_flood },
	{ "refused, flooding with data, tc", STEER_SCREEN,
	  { .src = REFUSED_LINE, .flags = ACK }, spent, .verdict = DROP,
	  .reason = POSTERN_R_refused_flood },
	{ "refused, flooding with data, shadow", STEER,
	  { .src = REFUSED_LINE, .flags = ACK }, spent_in_shadow, .verdict = PASS,
	  .reason = POSTERN_R_shadow_reset, .would = POSTERN_R_refused_line },
	{ "refused and told why, flooding", SCREEN, { .src = REFUSED_LINE }, spent_and_greeted,
	  .verdict = XDP_DROP, .reason = POSTERN_R_refused_flood },
	{ "refused and told why, flooding, tc", STEER_SCREEN, { .src = REFUSED_LINE },
	  spent_and_greeted, .verdict = DROP, .reason = POSTERN_R_refused_flood },
	{ "refused, flooding, tc", STEER_SCREEN, { .src = REFUSED_LINE }, spent, .verdict = DROP,
	  .reason = POSTERN_R_refused_flood },
};

const struct rows screen_rows = { rows, sizeof(rows) / sizeof(*rows) };

Test(screen, decisions)
{
	struct rig *r = rig_make();

	rows_run(r, &screen_rows);
	rig_free(r);
}

static unsigned int passes(struct rig *r, const char *line, unsigned int runs)
{
	struct frame_spec spec = { .src = line };
	unsigned int passed = 0;
	struct frame f;

	frame_build(&f, &spec);
	while (runs--)
		passed += rig_run(r, SCREEN, &f).verdict == XDP_PASS;
	return passed;
}

/* A class with an interval longer than any test run. */
static void slow_class(struct rig *r)
{
	struct postern_class class = {
		.name = "slow", .syn_interval = 3600 * NS_PER_SEC,
		.syn_tolerance = 5 * 3600 * NS_PER_SEC,
	};
	uint32_t id = CLASS_BUDGET;

	cr_assert_eq(bpf_map_update_elem(r->map[CLASSES], &id, &class, BPF_ANY), 0);
}

Test(screen, burst_is_exact_and_per_line)
{
	struct rig *r = rig_make();

	slow_class(r);
	cr_expect_eq(passes(r, "10.69.0.1", 20), 5);
	cr_expect_eq(passes(r, "10.69.0.2", 20), 5);
	cr_expect_eq(rig_count(r, POSTERN_R_syn_budget), 30);
	rig_free(r);
}

/* IPv6: a line is a prefix, and all its addresses draw on one budget. */
Test(screen, budget_of_a_prefix)
{
	struct postern_pool pool = { .treatment = POSTERN_STEER, .class = CLASS_BUDGET,
				     .line_len = 64, .rollout = 100 };
	struct frame_spec spec = { .v6 = true };
	struct rig *r = rig_make();
	unsigned int i, passed = 0;
	char src[64];
	struct frame f;

	slow_class(r);
	rig_pool(r, "2001:db8:64::/48", pool);
	for (i = 0; i < 20; i++) {
		snprintf(src, sizeof(src), "2001:db8:64:5::%x", i + 1);
		spec.src = src;
		frame_build(&f, &spec);
		passed += rig_run(r, SCREEN, &f).verdict == XDP_PASS;
	}
	cr_expect_eq(passed, 5);
	rig_free(r);
}

Test(screen, refused_line_gets_ten_at_once)
{
	struct rig *r = rig_make();
	uint64_t before = clock_boot(), took;
	unsigned int passed = passes(r, REFUSED_LINE, 40);

	took = (clock_boot() - before) / (200 * NS_PER_MS);
	cr_expect(passed >= 10 && passed <= 11 + took, "%u passed", passed);
	rig_free(r);
}

/* The budget comes back with time; waits for the condition, not for the time. */
Test(screen, budget_refills)
{
	struct postern_class class = { .name = "quick", .syn_interval = 100 * NS_PER_MS,
				       .syn_tolerance = 100 * NS_PER_MS };
	struct rig *r = rig_make();
	uint32_t id = CLASS_BUDGET;
	uint64_t before;

	cr_assert_eq(bpf_map_update_elem(r->map[CLASSES], &id, &class, BPF_ANY), 0);
	before = clock_boot();
	cr_assert_eq(passes(r, BUDGET_LINE, 1), 1);
	while (!passes(r, BUDGET_LINE, 1))
		usleep(1000);
	cr_expect_geq(clock_boot() - before, 100 * NS_PER_MS);
	rig_free(r);
}

/* What a slower limit has left behind does not outlast the one in force. */
Test(screen, stale_budget_is_cut)
{
	struct rig *r = rig_make();
	struct postern_addr key = rig_addr(BUDGET_LINE);
	uint64_t tat;

	budget_is(r, BUDGET_LINE, clock_boot() + 3600 * NS_PER_SEC);
	cr_expect_eq(passes(r, BUDGET_LINE, 1), 0);
	cr_assert_eq(bpf_map_lookup_elem(r->map[BUDGETS], &key, &tat), 0);
	cr_expect_leq(tat, clock_boot() + 3 * NS_PER_SEC);
	rig_free(r);
}
