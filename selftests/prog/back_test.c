// SPDX-License-Identifier: GPL-2.0
/* What comes from port 25 outside, and who asked for it. */
#include <criterion/criterion.h>

#include "base/clock.h"
#include "rows.h"

#define ANSWER		.src = MX4, .dst = LINE4, .sport = 25, .dport = LINE_PORT
#define ANSWER6		.v6 = true, .src = MX6, .dst = LINE6, .sport = 25, .dport = LINE_PORT
#define TO(line)	.src = MX4, .dst = line, .sport = 25, .dport = LINE_PORT
#define CALL(line)	.src = "192.0.2.7", .dst = line, .sport = 5000, .dport = 25
#define PASSED(why)	.verdict = PASS, .reason = POSTERN_R_##why
#define DROPPED(why)	.verdict = DROP, .reason = POSTERN_R_##why
#define FAR		(clock_boot() + 3600 * NS_PER_SEC)

static void flow_syn(struct rig *r)
{
	rig_flow(r, LINE4, LINE_PORT, MX4, POSTERN_FLOW_SYN);
	rig_flow(r, LINE6, LINE_PORT, MX6, POSTERN_FLOW_SYN);
}

static void flow_data(struct rig *r)
{
	rig_flow(r, LINE4, LINE_PORT, MX4, POSTERN_FLOW_DATA);
}

/* One of the three parts of the key is another's. */
static void flows_beside(struct rig *r)
{
	rig_flow(r, "10.64.0.10", LINE_PORT, MX4, POSTERN_FLOW_SYN);
	rig_flow(r, LINE4, LINE_PORT + 1, MX4, POSTERN_FLOW_SYN);
	rig_flow(r, LINE4, LINE_PORT, "198.51.100.26", POSTERN_FLOW_SYN);
}

static void smarthost(struct rig *r)
{
	rig_destination(r, "198.51.100.24/30", POSTERN_DEST_PASS, 0);
}

static void exempt(struct rig *r)
{
	struct postern_line value = { .treatment = POSTERN_EXEMPT };

	rig_line(r, LINE4, value);
	rig_line(r, "2001:db8:64:1::", value);
	rig_line(r, "10.67.0.1", value);
}

static void set(struct rig *r, enum postern_mode mode, uint64_t bypass, uint64_t grace)
{
	struct postern_settings s = rig_settings(r);

	s.mode = mode;
	s.bypass_until = bypass;
	s.grace_until = grace;
	rig_settings_set(r, s);
}

static void bypass(struct rig *r)
{
	set(r, POSTERN_ENFORCE, POSTERN_FOREVER, 0);
}

static void shadow(struct rig *r)
{
	set(r, POSTERN_SHADOW, 0, 0);
}

static void grace(struct rig *r)
{
	set(r, POSTERN_ENFORCE, 0, FAR);
}

static void grace_over(struct rig *r)
{
	set(r, POSTERN_ENFORCE, 0, 1);
}

static void other_layout(struct rig *r)
{
	struct postern_settings s = rig_settings(r);

	s.abi = 0;
	rig_settings_set(r, s);
}

static const struct row rows[] = {
	{ "SYN-ACK that nobody asked for", BACK, { ANSWER, .flags = SYN | ACK },
	  DROPPED(forged_synack) },
	{ "SYN-ACK, IPv6", BACK, { ANSWER6, .flags = SYN | ACK }, DROPPED(forged_synack) },
	{ "SYN-ACK on others' flows", BACK, { ANSWER, .flags = SYN | ACK }, flows_beside,
	  DROPPED(forged_synack) },
	{ "SYN-ACK after data alone", BACK, { ANSWER, .flags = SYN | ACK }, flow_data,
	  DROPPED(forged_synack) },
	{ "SYN-ACK in grace", BACK, { ANSWER, .flags = SYN | ACK }, grace,
	  DROPPED(forged_synack) },
	{ "SYN-ACK, shadow", BACK, { ANSWER, .flags = SYN | ACK }, shadow,
	  PASSED(forged_synack) },
	{ "SYN-ACK, outside the rollout share", BACK, { TO("10.68.0.1"), .flags = SYN | ACK },
	  PASSED(forged_synack) },
	{ "SYN-ACK behind tags", BACK, { ANSWER, .tags = 2, .flags = SYN | ACK },
	  DROPPED(forged_synack) },
	{ "SYN-ACK in PPPoE", BACK, { ANSWER, .pppoe = true, .flags = SYN | ACK },
	  DROPPED(forged_synack) },
	{ "SYN-ACK with IP options", BACK, { ANSWER, .options = { 148, 4 }, .options_len = 4,
	  .flags = SYN | ACK }, DROPPED(forged_synack) },
	{ "SYN-ACK in a first fragment", BACK, { ANSWER, .fragment = true, .more = true,
	  .flags = SYN | ACK }, DROPPED(forged_synack) },
	{ "SYN-ACK to a refused line", BACK, { TO("10.66.0.1"), .flags = SYN | ACK },
	  DROPPED(forged_synack) },
	{ "SYN-ACK on a flow", BACK, { ANSWER, .flags = SYN | ACK }, flow_syn,
	  PASSED(back_known_flow), .silent = true },
	{ "SYN-ACK on a flow, IPv6", BACK, { ANSWER6, .flags = SYN | ACK }, flow_syn,
	  PASSED(back_known_flow), .silent = true },
	{ "data on a flow", BACK, { ANSWER, .flags = ACK }, flow_syn, PASSED(back_known_flow),
	  .silent = true },
	{ "data on a learnt flow", BACK, { ANSWER, .flags = ACK }, flow_data,
	  PASSED(back_known_flow), .silent = true },
	{ "data on no flow", BACK, { ANSWER, .flags = ACK, .payload = 9 }, DROPPED(forged_stray) },
	{ "RST on no flow", BACK, { ANSWER, .flags = RST | ACK }, DROPPED(forged_stray) },
	{ "SYN from port 25 on no flow", BACK, { ANSWER }, DROPPED(forged_stray) },
	{ "SYN from port 25 after data alone", BACK, { ANSWER }, flow_data,
	  DROPPED(forged_stray) },
	{ "SYN from port 25 in grace", BACK, { ANSWER }, grace, DROPPED(forged_stray) },
	{ "SYN from port 25 after a SYN", BACK, { ANSWER }, flow_syn, PASSED(back_known_flow),
	  .silent = true },
	{ "data after grace", BACK, { ANSWER, .flags = ACK }, grace_over, DROPPED(forged_stray) },
	{ "data in grace", BACK, { ANSWER, .flags = ACK }, grace, PASSED(back_grace),
	  .silent = true },
	{ "FIN in grace", BACK, { ANSWER, .flags = FIN | ACK }, grace, PASSED(back_grace) },
	{ "data, shadow", BACK, { ANSWER, .flags = ACK }, shadow,
	  PASSED(forged_stray) },
	{ "to nobody of ours", BACK, { TO("192.0.2.7"), .flags = SYN | ACK },
	  PASSED(back_not_in_pool) },
	{ "to an exempt line", BACK, { ANSWER, .flags = SYN | ACK }, exempt,
	  PASSED(back_exempt) },
	{ "to an exempt line, IPv6", BACK, { ANSWER6, .flags = SYN | ACK }, exempt,
	  PASSED(back_exempt) },
	{ "to an exempt pool, data", BACK, { TO("10.65.0.1"), .flags = ACK },
	  PASSED(back_exempt), .silent = true },
	{ "from the smarthost", BACK, { ANSWER, .flags = SYN | ACK }, smarthost,
	  PASSED(back_destination) },
	{ "bypass", BACK, { ANSWER, .flags = SYN | ACK }, bypass, PASSED(back_bypass) },
	{ "settings of another layout", BACK, { ANSWER, .flags = SYN | ACK }, other_layout,
	  PASSED(internal), .silent = true },
	{ "without a link header", BACK_L3, { .raw = true, .src = "8.0.0.7", .dst = LINE4,
	  .sport = 25, .dport = LINE_PORT, .flags = SYN | ACK }, DROPPED(forged_synack) },
	{ "without a link header, IPv6", BACK_L3, { .raw = true, .v6 = true,
	  .src = "2001:db8:86dd::7", .dst = LINE6, .sport = 25, .dport = LINE_PORT,
	  .flags = SYN | ACK }, DROPPED(forged_synack) },

	{ "call to a line's server", BACK, { CALL("10.64.0.9") }, PASSED(inbound_syn) },
	{ "call where they are blocked", BACK, { CALL("10.67.0.1") }, DROPPED(inbound_blocked) },
	{ "call where they are blocked, exempt", BACK, { CALL("10.67.0.1") }, exempt,
	  PASSED(inbound_syn) },
	{ "call where they are blocked, bypass", BACK, { CALL("10.67.0.1") }, bypass,
	  PASSED(inbound_syn) },
	{ "call where they are blocked, shadow", BACK, { CALL("10.67.0.1") }, shadow,
	  PASSED(shadow_drop), .would = POSTERN_R_inbound_blocked },
	{ "a call's data", BACK, { CALL("10.67.0.1"), .flags = ACK }, .verdict = PASS },
	{ "call to somebody else's server", BACK, { CALL("192.0.2.8") }, .verdict = PASS },
	{ "other ports", BACK, { .src = MX4, .dst = LINE4, .sport = 443, .dport = LINE_PORT,
	  .flags = SYN | ACK }, .verdict = PASS },
	{ "odd flags are the receiver's affair", BACK, { CALL("10.67.0.1"), .flags = FIN },
	  .verdict = PASS },
	{ "ICMP error about somebody else's", BACK, { .icmp = 3, .src = LINE4, .dst = MX4 },
	  .verdict = PASS },
};

const struct rows back_rows = { rows, sizeof(rows) / sizeof(*rows) };

Test(back, decisions)
{
	struct rig *r = rig_make();

	rows_run(r, &back_rows);
	rig_free(r);
}

/* What was learnt in grace holds after it; a SYN-ACK is not let in by it. */
Test(back, grace_learns)
{
	struct frame_spec data = { ANSWER, .flags = ACK }, synack = { ANSWER, .flags = SYN | ACK };
	struct rig *r = rig_make();
	struct frame f;

	grace(r);
	frame_build(&f, &data);
	rig_run(r, BACK, &f);
	cr_expect_eq(rig_flow_flags(r, LINE4, LINE_PORT, MX4), POSTERN_FLOW_DATA);
	grace_over(r);
	cr_expect_eq(rig_run(r, BACK, &f).verdict, PASS);
	cr_expect_eq(rig_count(r, POSTERN_R_back_known_flow), 1);
	frame_build(&f, &synack);
	cr_expect_eq(rig_run(r, BACK, &f).verdict, DROP);
	rig_free(r);
}
