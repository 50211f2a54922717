// SPDX-License-Identifier: GPL-2.0
/* Who is steered, passed or reset: every decision of the steering that needs no socket of ours. */
#include <criterion/criterion.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "base/clock.h"
#include "rows.h"

#define STEERED		.verdict = PASS, .reason = POSTERN_R_steered, .marked = true
#define GREETED		.verdict = PASS, .reason = POSTERN_R_refused_greeted, .marked = true
#define PASSED(why)	.verdict = PASS, .reason = POSTERN_R_##why
#define RESETS(why)	.verdict = RESET, .reason = POSTERN_R_##why
#define FLOW(who, flags) .line = who, .flow = flags
#define ALONE		-1	/* no flow */
#define F_SYN		POSTERN_FLOW_SYN
#define F_DATA		POSTERN_FLOW_DATA
#define LONG_AGO	1
#define FAR		(clock_boot() + 3600 * NS_PER_SEC)

static void line_is(struct rig *r, const char *line, enum postern_treatment treatment,
		    unsigned int class, uint64_t until)
{
	struct postern_line value = { .treatment = treatment, .class = class, .until = until };

	rig_line(r, line, value);
}

static void exempt(struct rig *r)
{
	line_is(r, LINE4, POSTERN_EXEMPT, POSTERN_CLASS_INHERIT, 0);
	line_is(r, "2001:db8:64:1::", POSTERN_EXEMPT, POSTERN_CLASS_INHERIT, FAR);
}

static void exempt_lapsed(struct rig *r)
{
	line_is(r, LINE4, POSTERN_EXEMPT, POSTERN_CLASS_INHERIT, LONG_AGO);
	line_is(r, "2001:db8:64:1::", POSTERN_EXEMPT, POSTERN_CLASS_INHERIT, LONG_AGO);
}

/* Its neighbours are not meant. */
static void exempt_beside(struct rig *r)
{
	line_is(r, "10.64.0.8", POSTERN_EXEMPT, POSTERN_CLASS_INHERIT, 0);
	line_is(r, "10.64.0.10", POSTERN_EXEMPT, POSTERN_CLASS_INHERIT, 0);
	line_is(r, "2001:db8:64::", POSTERN_EXEMPT, POSTERN_CLASS_INHERIT, 0);
	line_is(r, "2001:db8:64:2::", POSTERN_EXEMPT, POSTERN_CLASS_INHERIT, 0);
	line_is(r, LINE6, POSTERN_EXEMPT, POSTERN_CLASS_INHERIT, 0);
}

static void refused(struct rig *r)
{
	line_is(r, LINE4, POSTERN_REFUSE, POSTERN_CLASS_INHERIT, 0);
}

static void refused_in_shadow_class(struct rig *r)
{
	line_is(r, LINE4, POSTERN_REFUSE, CLASS_SHADOW, 0);
}

static void greeted(struct rig *r)
{
	line_is(r, LINE4, POSTERN_REFUSE, CLASS_GREET, 0);
	line_is(r, "2001:db8:64:1::", POSTERN_REFUSE, CLASS_GREET, 0);
	rig_dead(r, LINE4, MX4, FAR);	/* which it is not told: nobody will be dialled */
}

static void greeted_by_destination(struct rig *r)
{
	refused(r);
	rig_destination(r, MX4, POSTERN_DEST_CLASS, CLASS_GREET);
}

static void reset_by_destination(struct rig *r)
{
	greeted(r);
	rig_destination(r, MX4, POSTERN_DEST_CLASS, CLASS_RESET);
}

static void greeted_in_shadow(struct rig *r)
{
	line_is(r, LINE4, POSTERN_REFUSE, CLASS_GREET_SHADOW, 0);
}

static void steered_in_exempt_pool(struct rig *r)
{
	line_is(r, "10.65.0.1", POSTERN_STEER, POSTERN_CLASS_INHERIT, 0);
}

static void override(struct rig *r, const char *prefix, enum postern_treatment treatment,
		     uint64_t until)
{
	struct postern_pool pool = {
		.treatment = treatment, .line_len = 128, .rollout = 100, .until = until,
		.flags = POSTERN_POOL_OVERRIDE,
	};

	rig_pool(r, prefix, pool);
}

static void override_in_force(struct rig *r)
{
	override(r, "10.64.0.0/24", POSTERN_EXEMPT, FAR);
}

static void overrides_lapsed(struct rig *r)
{
	override(r, "10.64.0.0/24", POSTERN_EXEMPT, LONG_AGO);
	override(r, "10.64.0.0/28", POSTERN_REFUSE, LONG_AGO);
	override(r, "10.64.0.9/32", POSTERN_EXEMPT, LONG_AGO);
}

static void overrides_and_nothing_below(struct rig *r)
{
	override(r, "192.0.2.0/24", POSTERN_REFUSE, LONG_AGO);
	override(r, "192.0.2.1/32", POSTERN_REFUSE, LONG_AGO);
}

static void mode(struct rig *r, enum postern_mode mode, uint64_t bypass_until)
{
	struct postern_settings set = rig_settings(r);

	set.mode = mode;
	set.bypass_until = bypass_until;
	rig_settings_set(r, set);
}

static void shadow(struct rig *r)
{
	mode(r, POSTERN_SHADOW, 0);
}

static void bypass(struct rig *r)
{
	mode(r, POSTERN_ENFORCE, POSTERN_FOREVER);
}

static void bypass_for_now(struct rig *r)
{
	mode(r, POSTERN_ENFORCE, FAR);
}

static void bypass_lapsed(struct rig *r)
{
	mode(r, POSTERN_ENFORCE, LONG_AGO);
}

static void other_layout(struct rig *r)
{
	struct postern_settings set = rig_settings(r);

	set.abi = POSTERN_ABI + 1;
	rig_settings_set(r, set);
}

static void no_workers(struct rig *r)
{
	unsigned int i;

	for (i = 0; i < RIG_WORKERS; i++)
		rig_listener(r, i, false);
}

static void workers_zero(struct rig *r)
{
	struct postern_settings set = rig_settings(r);

	set.workers = 0;
	rig_settings_set(r, set);
}

static void all_hang(struct rig *r)
{
	struct postern_settings set = rig_settings(r);
	unsigned int i;

	set.stale_ns = 2 * NS_PER_SEC;
	rig_settings_set(r, set);
	for (i = 0; i < RIG_WORKERS; i++)
		rig_beat(r, i, clock_boot() - 3 * NS_PER_SEC);
}

static void own_worker_gone(struct rig *r)
{
	rig_listener(r, rig_worker(LINE4), false);
}

static void own_worker_hangs(struct rig *r)
{
	struct postern_settings set = rig_settings(r);

	set.stale_ns = 2 * NS_PER_SEC;
	rig_settings_set(r, set);
	rig_beat(r, rig_worker(LINE4), clock_boot() - 3 * NS_PER_SEC);
}

static void only_the_last_is_left(struct rig *r)
{
	unsigned int own = rig_worker(LINE4);

	rig_listener(r, own, false);
	rig_beat(r, (own + 1) % RIG_WORKERS, 0);
}

static void closed_class_and_no_workers(struct rig *r)
{
	line_is(r, LINE4, POSTERN_INHERIT, CLASS_RESET, 0);
	no_workers(r);
}

static void closed_class_in_shadow(struct rig *r)
{
	line_is(r, LINE4, POSTERN_INHERIT, CLASS_RESET_SHADOW, 0);
	no_workers(r);
}

static void dead(struct rig *r)
{
	rig_dead(r, LINE4, MX4, FAR);
	rig_dead(r, "2001:db8:64:1::", MX6, POSTERN_FOREVER);
	rig_dead(r, "8.0.0.9", MX4, FAR);
}

static void dead_to_a_neighbour(struct rig *r)
{
	rig_dead(r, "10.64.0.10", MX4, FAR);
}

static void dead_lapsed(struct rig *r)
{
	rig_dead(r, LINE4, MX4, LONG_AGO);
}

static void dead_in_shadow(struct rig *r)
{
	dead(r);
	shadow(r);
}

static void own_address(struct rig *r)
{
	rig_destination(r, MX4, POSTERN_DEST_OWN, 0);
	rig_destination(r, MX6, POSTERN_DEST_OWN, 0);
}

static void smarthost(struct rig *r)
{
	rig_destination(r, "198.51.100.24/30", POSTERN_DEST_PASS, 0);
	rig_destination(r, "2001:db8:25::/64", POSTERN_DEST_PASS, 0);
}

static void own_within_smarthosts(struct rig *r)
{
	smarthost(r);
	rig_destination(r, MX4, POSTERN_DEST_OWN, 0);
}

static void greeted_and_no_workers(struct rig *r)
{
	greeted(r);
	no_workers(r);
}

static void greeted_and_all_hang(struct rig *r)
{
	greeted(r);
	all_hang(r);
}

static void greeted_and_one_left(struct rig *r)
{
	greeted(r);
	only_the_last_is_left(r);
}

static void greeted_and_bypass(struct rig *r)
{
	greeted(r);
	bypass(r);
}

static void closed_class_by_destination(struct rig *r)
{
	rig_destination(r, MX4, POSTERN_DEST_CLASS, CLASS_RESET);
	no_workers(r);
}

static void flow_known(struct rig *r)
{
	rig_flow(r, LINE4, LINE_PORT, MX4, POSTERN_FLOW_SYN);
}

static const struct row rows[] = {
	{ "SYN", STEER, {}, STEERED, FLOW(LINE4, ALONE) },
	{ "SYN, IPv6", STEER, { .v6 = true }, STEERED },
	{ "SYN behind one tag", STEER, { .tags = 1 }, STEERED },
	{ "SYN behind two tags", STEER, { .tags = 2, .tag_type = 0x88a8 }, STEERED },
	{ "SYN in PPPoE", STEER, { .pppoe = true }, STEERED },
	{ "SYN in PPPoE, short protocol", STEER, { .pppoe = true, .ppp_short = true }, STEERED },
	{ "SYN in PPPoE, IPv6", STEER, { .v6 = true, .pppoe = true, .tags = 2 }, STEERED },
	{ "SYN with IP options", STEER, { .options = { 148, 4 }, .options_len = 4 }, STEERED },
	{ "SYN behind extensions", STEER, { .v6 = true,
	  .chain = (const uint8_t[]) { IPPROTO_DSTOPTS, IPPROTO_TCP } }, STEERED },
	{ "SYN with data", STEER, { .payload = 64 }, STEERED },
	{ "SYN with ECN bits", STEER, { .flags = SYN | 0xc0 }, STEERED },
	{ "SYN, screening", STEER_SCREEN, {}, STEERED },
	{ "SYN without a link header", STEER_L3, { .raw = true, .src = "8.0.0.9" }, STEERED },
	{ "SYN without a link header, IPv6", STEER_L3,
	  { .raw = true, .v6 = true, .src = "2001:db8:86dd::9" }, STEERED },
	{ "odd flags without a link header", STEER_L3,
	  { .raw = true, .src = "8.0.0.9", .flags = FIN }, .verdict = DROP,
	  .reason = POSTERN_R_tcp_flags },
	{ "high time to live, but no SYN of ours", STEER, { .ttl = 250 }, STEERED },
	{ "from port 25 to port 25", STEER, { .sport = 25 }, STEERED },

	{ "port 26", STEER, { .dport = 26 }, .verdict = PASS },
	{ "port 465", STEER, { .dport = 465 }, .verdict = PASS },
	{ "port 587, IPv6", STEER, { .v6 = true, .dport = 587 }, .verdict = PASS },
	{ "a mail server on a line answers", STEER,
	  { .sport = 25, .dport = 5000, .flags = SYN | ACK },
	  .verdict = PASS },
	{ "port 443 without a link header", STEER_L3,
	  { .raw = true, .src = "8.0.0.9", .dport = 443 },
	  .verdict = PASS },
	{ "settings of another layout", STEER, {}, other_layout, PASSED(internal), .silent = true },
	{ "ICMP error about somebody else's", STEER,
	  { .icmp = 3, .src = MX4, .dst = LINE4, .sport = 25, .dport = LINE_PORT },
	  .verdict = PASS },

	{ "own worker gone", STEER, {}, own_worker_gone, .verdict = PASS, .marked = true,
	  .reason = POSTERN_R_steered_other_worker },
	{ "own worker hangs", STEER, {}, own_worker_hangs, .verdict = PASS, .marked = true,
	  .reason = POSTERN_R_steered_other_worker },
	{ "one worker left", STEER, {}, only_the_last_is_left, .verdict = PASS, .marked = true,
	  .reason = POSTERN_R_steered_other_worker },
	{ "no worker, open", STEER, {}, no_workers, PASSED(fail_open), FLOW(LINE4, F_SYN) },
	{ "no worker configured, open", STEER, {}, workers_zero, PASSED(fail_open) },
	{ "all hang, open", STEER, {}, all_hang, PASSED(fail_open) },
	{ "no worker, closed by pool", STEER, { .src = "10.70.0.1" }, no_workers,
	  RESETS(fail_reset) },
	{ "no worker, closed by line", STEER, {}, closed_class_and_no_workers,
	  RESETS(fail_reset), FLOW(LINE4, ALONE) },
	{ "no worker, closed by destination", STEER, {}, closed_class_by_destination,
	  RESETS(fail_reset) },
	{ "no worker, closed, shadow", STEER, {}, closed_class_in_shadow, PASSED(shadow_reset),
	  .would = POSTERN_R_fail_reset, FLOW(LINE4, F_SYN) },

	{ "exchanger dead", STEER, {}, dead, RESETS(dead_exchanger) },
	{ "exchanger dead, IPv6", STEER, { .v6 = true }, dead, RESETS(dead_exchanger) },
	{ "exchanger dead to a neighbour", STEER, {}, dead_to_a_neighbour, STEERED },
	{ "another exchanger dead", STEER, { .dst = "198.51.100.26" }, dead, STEERED },
	{ "exchanger was dead", STEER, {}, dead_lapsed, STEERED },
	{ "exchanger dead, shadow", STEER, {}, dead_in_shadow, PASSED(shadow_reset),
	  .would = POSTERN_R_dead_exchanger, FLOW(LINE4, F_SYN) },

	{ "refused pool", STEER, { .src = "10.66.0.1" }, RESETS(refused_line) },
	{ "refused pool, IPv6", STEER, { .v6 = true, .src = "2001:db8:66:1::9" },
	  RESETS(refused_line) },
	{ "refused line", STEER, {}, refused, RESETS(refused_line), FLOW(LINE4, ALONE) },
	{ "refused line, data", STEER, { .flags = ACK, .payload = 9 }, refused,
	  RESETS(refused_line) },
	{ "refused line, FIN", STEER, { .flags = FIN | ACK }, refused, RESETS(refused_line) },
	{ "refused line, its own reset", STEER, { .flags = RST }, refused, .verdict = DROP,
	  .reason = POSTERN_R_refused_line },
	{ "refused line, behind extensions", STEER, { .v6 = true, .src = "2001:db8:66:1::9",
	  .chain = (const uint8_t[]) { IPPROTO_DSTOPTS, IPPROTO_TCP } }, .verdict = DROP,
	  .reason = POSTERN_R_refused_line },
	{ "refused line, shadow", STEER, {}, refused_in_shadow_class, PASSED(shadow_reset),
	  .would = POSTERN_R_refused_line, FLOW(LINE4, F_SYN) },
	{ "refused line is told why", STEER, {}, greeted, GREETED, FLOW(LINE4, ALONE) },
	{ "refused line is told why, IPv6", STEER, { .v6 = true }, greeted, GREETED },
	{ "refused line is told why, in PPPoE", STEER, { .pppoe = true }, greeted, GREETED },
	{ "refused line is told why, screening", STEER_SCREEN, {}, greeted, GREETED },
	{ "refused line is told why, by destination", STEER, {}, greeted_by_destination,
	  GREETED },
	{ "refused line is told why, one worker left", STEER, {}, greeted_and_one_left, GREETED },
	{ "refused line is told why elsewhere", STEER, {}, reset_by_destination,
	  RESETS(refused_line) },
	{ "refused line is told why, no worker", STEER, {}, greeted_and_no_workers,
	  RESETS(refused_line), FLOW(LINE4, ALONE) },
	{ "refused line is told why, all hang", STEER, {}, greeted_and_all_hang,
	  RESETS(refused_line) },
	{ "refused line is told why, data", STEER, { .flags = ACK, .payload = 9 }, greeted,
	  RESETS(refused_line) },
	{ "refused line is told why, its own reset", STEER, { .flags = RST }, greeted,
	  .verdict = DROP, .reason = POSTERN_R_refused_line },
	{ "refused line is told why, shadow", STEER, {}, greeted_in_shadow, PASSED(shadow_reset),
	  .would = POSTERN_R_refused_line, FLOW(LINE4, F_SYN) },
	{ "refused line is told why, bypass", STEER, {}, greeted_and_bypass, PASSED(bypass) },
	{ "exchanger dead, without a link header", STEER_L3, { .raw = true, .src = "8.0.0.9" },
	  dead, RESETS(dead_exchanger) },

	{ "exempt line", STEER, {}, exempt, PASSED(exempt_line), FLOW(LINE4, F_SYN) },
	{ "exempt line, IPv6", STEER, { .v6 = true }, exempt, PASSED(exempt_line),
	  FLOW(LINE6, F_SYN) },
	{ "exempt line, data", STEER, { .flags = ACK | PSH, .payload = 9 }, exempt,
	  PASSED(exempt_line), .silent = true, FLOW(LINE4, F_DATA) },
	{ "exempt line, FIN", STEER, { .flags = FIN | ACK }, exempt, PASSED(exempt_line),
	  FLOW(LINE4, F_DATA) },
	{ "exemption lapsed", STEER, {}, exempt_lapsed, STEERED },
	{ "exemption lapsed, IPv6", STEER, { .v6 = true }, exempt_lapsed, STEERED },
	{ "exempt neighbours", STEER, {}, exempt_beside, STEERED },
	{ "exempt neighbours, IPv6", STEER, { .v6 = true }, exempt_beside, STEERED },
	{ "exempt pool", STEER, { .src = "10.65.0.1" }, PASSED(exempt_pool),
	  FLOW("10.65.0.1", F_SYN) },
	{ "steered line of an exempt pool", STEER, { .src = "10.65.0.1" }, steered_in_exempt_pool,
	  STEERED },
	{ "exempt prefix", STEER, {}, override_in_force, PASSED(exempt_pool) },
	{ "lapsed prefixes are looked through", STEER, {}, overrides_lapsed, STEERED },
	{ "lapsed prefixes and nothing below", STEER, { .src = "192.0.2.1" },
	  overrides_and_nothing_below, PASSED(not_in_pool) },
	{ "in no pool", STEER, { .src = "192.0.2.1" }, PASSED(not_in_pool),
	  FLOW("192.0.2.1", ALONE) },
	{ "in no pool, data", STEER, { .src = "192.0.2.1", .flags = ACK }, PASSED(not_in_pool),
	  .silent = true },
	{ "in no pool, IPv6", STEER, { .v6 = true, .src = "2001:db8:65::1" },
	  PASSED(not_in_pool) },

	{ "own address", STEER, {}, own_address, PASSED(own_address), FLOW(LINE4, ALONE) },
	{ "own address, IPv6", STEER, { .v6 = true }, own_address, PASSED(own_address) },
	{ "own address among others", STEER, {}, own_within_smarthosts, PASSED(own_address) },
	{ "smarthost", STEER, {}, smarthost, PASSED(destination_pass), FLOW(LINE4, F_SYN) },
	{ "smarthost, IPv6", STEER, { .v6 = true }, smarthost, PASSED(destination_pass) },
	{ "smarthost, from nowhere", STEER, { .src = "192.0.2.1" }, smarthost,
	  PASSED(not_in_pool) },
	{ "loopback", STEER, { .dst = "127.0.0.1" }, PASSED(special_address) },
	{ "unspecified", STEER, { .dst = "0.0.0.0" }, PASSED(special_address) },
	{ "link-local", STEER, { .dst = "169.254.3.4" }, PASSED(special_address) },
	{ "multicast", STEER, { .dst = "239.1.2.3" }, PASSED(special_address) },
	{ "broadcast", STEER, { .dst = "255.255.255.255" }, PASSED(special_address) },
	{ "loopback, IPv6", STEER, { .v6 = true, .dst = "::1" }, PASSED(special_address) },
	{ "unspecified, IPv6", STEER, { .v6 = true, .dst = "::" }, PASSED(special_address) },
	{ "link-local, IPv6", STEER, { .v6 = true, .dst = "febf::1" }, PASSED(special_address) },
	{ "multicast, IPv6", STEER, { .v6 = true, .dst = "ff0e::1" }, PASSED(special_address) },
	{ "v4-mapped, IPv6", STEER, { .v6 = true, .dst = "::ffff:198.51.100.25" },
	  PASSED(special_address) },
	{ "beside the special ones", STEER, { .dst = "126.255.255.255" }, STEERED },
	{ "beside the special ones, IPv6", STEER, { .v6 = true, .dst = "fec0::1" }, STEERED },

	{ "bypass", STEER, {}, bypass, PASSED(bypass), FLOW(LINE4, F_SYN) },
	{ "bypass, refused", STEER, { .src = "10.66.0.1" }, bypass, PASSED(bypass) },
	{ "bypass with an end", STEER, {}, bypass_for_now, PASSED(bypass) },
	{ "bypass that has ended", STEER, {}, bypass_lapsed, STEERED },
	{ "shadow steers", STEER, {}, shadow, STEERED },
	{ "outside the rollout share it steers", STEER, { .src = "10.68.0.1" }, STEERED },

	{ "data without a session of ours", STEER, { .flags = ACK, .payload = 9 },
	  PASSED(direct_session), .silent = true, FLOW(LINE4, F_DATA) },
	{ "data on a known flow", STEER, { .flags = ACK, .payload = 9 }, flow_known,
	  PASSED(direct_session), .silent = true, FLOW(LINE4, F_SYN | F_DATA) },
	{ "FIN without a session of ours", STEER, { .flags = FIN | ACK },
	  PASSED(direct_session), .silent = true },
	{ "RST without a session of ours", STEER, { .flags = RST },
	  PASSED(direct_session), .silent = true, FLOW(LINE4, ALONE) },
	{ "SYN-ACK to port 25", STEER, { .flags = SYN | ACK }, PASSED(direct_session),
	  .silent = true, FLOW(LINE4, F_DATA) },
};

const struct rows steer_rows = { rows, sizeof(rows) / sizeof(*rows) };

Test(steer, decisions)
{
	struct rig *r = rig_make();

	rows_run(r, &steer_rows);
	rig_free(r);
}

/* The listener is the line's own, for as many lines as one likes. */
Test(steer, worker_by_line)
{
	struct rig *r = rig_make();
	struct frame_spec spec = {};
	char line[32];
	struct frame f;
	unsigned int i;

	for (i = 1; i < 200; i++) {
		snprintf(line, sizeof(line), "10.64.7.%u", i);
		rig_reset(r);
		rig_listener(r, rig_worker(line), false);
		spec.src = line;
		frame_build(&f, &spec);
		rig_run(r, STEER, &f);
		cr_expect_eq(rig_count(r, POSTERN_R_steered_other_worker), 1, "%s", line);
	}
	rig_free(r);
}

static unsigned int sampled(struct rig *r, unsigned int sample, unsigned int runs)
{
	struct frame_spec spec = {};
	struct postern_settings set;
	struct frame f;

	rig_reset(r);
	set = rig_settings(r);
	set.sample = sample;
	rig_settings_set(r, set);
	frame_build(&f, &spec);
	while (runs--)
		rig_run(r, STEER, &f);
	rig_events(r);
	return r->event_count;
}

/* Runs move between CPUs, and each CPU counts on its own. */
Test(steer, sampling)
{
	struct rig *r = rig_make();
	unsigned int cpus = libbpf_num_possible_cpus(), n;

	cr_expect_eq(sampled(r, 0, 20), 0);
	cr_expect_eq(sampled(r, 1, 20), 20);
	n = sampled(r, 10, 100);
	cr_expect(n >= 10 && n < 10 + cpus, "%u events of 100 decisions", n);
	rig_free(r);
}

Test(steer, event_says_what_was_seen)
{
	struct frame_spec spec = { .v6 = true, .src = LINE6, .sport = 12345 };
	struct postern_addr src = rig_addr(LINE6), dst = rig_addr(MX6);
	struct rig *r = rig_make();
	uint64_t before = clock_boot();
	struct frame f;

	frame_build(&f, &spec);
	rig_run(r, STEER, &f);
	rig_events(r);
	cr_assert_eq(r->event_count, 1);
	cr_expect_arr_eq(&r->event.src, &src, sizeof(src));
	cr_expect_arr_eq(&r->event.dst, &dst, sizeof(dst));
	cr_expect_eq(ntohs(r->event.sport), 12345);
	cr_expect_eq(ntohs(r->event.dport), 25);
	cr_expect_eq(r->event.ifindex, 1);
	cr_expect_eq(r->event.hook, POSTERN_HOOK_STEER);
	cr_expect_eq(r->event.tcp_flags, SYN);
	cr_expect(r->event.when >= before && r->event.when <= clock_boot());
	rig_free(r);
}
