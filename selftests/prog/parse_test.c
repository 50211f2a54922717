// SPDX-License-Identifier: GPL-2.0
/* Frames that cannot be judged, and odd ones that can: every branch of the parser. */
#include <criterion/criterion.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"

#define BAD(why)	.verdict = XDP_DROP, .reason = POSTERN_R_##why
#define FINE		.verdict = XDP_PASS
#define CHAIN(...)	.v6 = true, .chain = (const uint8_t[]) { __VA_ARGS__, IPPROTO_TCP }
#define OPTIONS(...)	.options = { __VA_ARGS__ }, \
			.options_len = sizeof((uint8_t[]) { __VA_ARGS__ })
#define HBH		IPPROTO_HOPOPTS
#define DST		IPPROTO_DSTOPTS
#define RTG		IPPROTO_ROUTING
#define FRG		IPPROTO_FRAGMENT
#define AHD		IPPROTO_AH

static void ihl_4(struct frame *f)
{
	f->octet[f->l3] = 0x44;
}

static void ihl_15(struct frame *f)
{
	f->octet[f->l3] = 0x4f;
}

static void version_5(struct frame *f)
{
	f->octet[f->l3] = 0x55;
}

static void version_7(struct frame *f)
{
	f->octet[f->l3] = 0x70;
}

static void total(struct frame *f, unsigned int octets)
{
	f->octet[f->l3 + 2] = octets >> 8;
	f->octet[f->l3 + 3] = octets;
}

static void total_19(struct frame *f)
{
	total(f, 19);
}

static void total_20(struct frame *f)
{
	total(f, 20);
}

static void total_zero(struct frame *f)
{
	total(f, 0);
}

static void total_more(struct frame *f)
{
	total(f, f->len - f->l3 + 1);
}

static void padded(struct frame *f)
{
	f->len += 6;
}

static void payload_length(struct frame *f, unsigned int octets)
{
	f->octet[f->l3 + 4] = octets >> 8;
	f->octet[f->l3 + 5] = octets;
}

static void payload_zero(struct frame *f)
{
	payload_length(f, 0);
}

static void payload_more(struct frame *f)
{
	payload_length(f, f->len - f->l3 - 39);
}

static void header_length(struct frame *f, unsigned int words)
{
	f->octet[f->l4 + 12] = words << 4;
}

static void doff_4(struct frame *f)
{
	header_length(f, 4);
}

static void doff_6(struct frame *f)
{
	header_length(f, 6);
}

static void ends_in_tcp(struct frame *f)
{
	total(f, f->l4 - f->l3 + 12);
	f->len = f->l4 + 12;
}

static void ends_in_ports(struct frame *f)
{
	total(f, f->l4 - f->l3 + 2);
	f->len = f->l4 + 2;
}

static void ends_in_ports_padded(struct frame *f)
{
	total(f, f->l4 - f->l3 + 2);
}

static void pppoe_length(struct frame *f, unsigned int octets)
{
	f->octet[f->l3 - 4] = octets >> 8;
	f->octet[f->l3 - 3] = octets;
}

static void pppoe_long(struct frame *f)
{
	pppoe_length(f, f->len);
}

static void pppoe_short(struct frame *f)
{
	pppoe_length(f, 1);
}

static void pppoe_cuts_ip(struct frame *f)
{
	pppoe_length(f, 30);
}

static void pppoe_version(struct frame *f)
{
	f->octet[f->l3 - 8] = 0x21;
}

static void pppoe_code(struct frame *f)
{
	f->octet[f->l3 - 7] = 0xa7;
}

static void in_shadow(struct rig *r)
{
	struct postern_settings set = rig_settings(r);

	set.mode = POSTERN_SHADOW;
	rig_settings_set(r, set);
}

static void in_bypass(struct rig *r)
{
	struct postern_settings set = rig_settings(r);

	set.bypass_until = POSTERN_FOREVER;
	rig_settings_set(r, set);
}

static const struct row rows[] = {
	{ "a plain SYN", SCREEN, {}, FINE },
	{ "a plain SYN, IPv6", SCREEN, { .v6 = true }, FINE },
	{ "padding behind IP", SCREEN, { .damage = padded }, FINE },
	{ "header length 4", SCREEN, { .damage = ihl_4 }, BAD(ip_header) },
	{ "header length beyond the frame", SCREEN, { .damage = ihl_15 }, BAD(ip_header) },
	{ "version 5", SCREEN, { .damage = version_5 }, BAD(ip_header) },
	{ "version 7 as IPv6", SCREEN, { .v6 = true, .damage = version_7 }, BAD(ip_header) },
	{ "version 7 before extensions", SCREEN, { CHAIN(DST), .damage = version_7 },
	  BAD(ip_header) },
	{ "total length less than the header", SCREEN, { .damage = total_19 }, BAD(ip_length) },
	{ "total length zero", SCREEN, { .damage = total_zero }, BAD(ip_length) },
	{ "total length beyond the frame", SCREEN, { .damage = total_more }, BAD(ip_length) },
	{ "total length beyond it, not to 25", SCREEN,
	  { .dport = 26, .damage = total_more }, FINE },
	{ "total length without TCP", SCREEN, { .damage = total_20 }, BAD(tcp_header) },
	{ "IPv6 payload length zero", SCREEN, { .v6 = true, .damage = payload_zero },
	  BAD(tcp_header) },
	{ "IPv6 payload length beyond", SCREEN, { .v6 = true, .damage = payload_more },
	  BAD(ip_length) },
	{ "loose source route", SCREEN, { OPTIONS(131, 7, 4, 192, 0, 2, 1, 0) },
	  BAD(ip_source_route) },
	{ "strict source route", SCREEN, { OPTIONS(137, 7, 4, 192, 0, 2, 1, 0) },
	  BAD(ip_source_route) },
	{ "source route behind others", SCREEN, { OPTIONS(1, 148, 4, 0, 0, 1, 137, 3, 4, 0, 0, 0) },
	  BAD(ip_source_route) },
	{ "source route, not to 25", SCREEN, { OPTIONS(131, 3, 4, 0), .dport = 26 }, FINE },
	{ "source route behind the end of list", SCREEN, { OPTIONS(0, 131, 3, 4) }, FINE },
	{ "router alert", SCREEN, { OPTIONS(148, 4, 0, 0) }, FINE },
	{ "forty octets of nothing", SCREEN, { OPTIONS(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	  1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1) }, FINE },
	{ "option of length 0", SCREEN, { OPTIONS(148, 0, 0, 0) }, BAD(ip_header) },
	{ "option of length 1", SCREEN, { OPTIONS(148, 1, 0, 0) }, BAD(ip_header) },
	{ "option beyond the header", SCREEN, { OPTIONS(148, 5, 0, 0) }, BAD(ip_header) },
	{ "first fragment", SCREEN, { .fragment = true, .more = true }, BAD(fragment_first) },
	{ "first fragment, not to 25", SCREEN,
	  { .fragment = true, .more = true, .dport = 26 }, FINE },
	{ "first fragment without ports", SCREEN,
	  { .fragment = true, .more = true, .dport = 26, .damage = ends_in_ports },
	  BAD(fragment_first) },
	{ "first fragment whose ports are padding", SCREEN,
	  { .fragment = true, .more = true, .dport = 26, .damage = ends_in_ports_padded },
	  BAD(fragment_first) },
	{ "fragment at 8", SCREEN, { .fragment = true, .offset = 8, .dport = 26 },
	  BAD(fragment_low) },
	{ "fragment at 16", SCREEN, { .fragment = true, .offset = 16, .dport = 26 },
	  BAD(fragment_low) },
	{ "fragment at 24", SCREEN, { .fragment = true, .offset = 24 }, FINE },
	{ "dont-fragment", SCREEN, { .fragment = true }, FINE },
	{ "TCP header length 4", SCREEN, { .damage = doff_4 }, BAD(tcp_header) },
	{ "TCP header beyond the packet", SCREEN, { .damage = doff_6 }, BAD(tcp_header) },
	{ "TCP options within the packet", SCREEN, { .payload = 4, .damage = doff_6 }, FINE },
	{ "packet ends in TCP", SCREEN, { .damage = ends_in_tcp }, BAD(tcp_header) },
	{ "packet ends in TCP, not to 25", SCREEN, { .dport = 26, .damage = ends_in_tcp }, FINE },
	{ "packet ends in ports", SCREEN, { .damage = ends_in_ports }, BAD(tcp_header) },
	{ "SYN and FIN", SCREEN, { .flags = SYN | FIN }, BAD(tcp_flags) },
	{ "SYN and RST", SCREEN, { .flags = SYN | RST }, BAD(tcp_flags) },
	{ "no flags", SCREEN, { .flags = NO_FLAGS }, BAD(tcp_flags) },
	{ "FIN alone", SCREEN, { .flags = FIN }, BAD(tcp_flags) },
	{ "FIN, PSH, URG", SCREEN, { .flags = FIN | PSH | URG }, BAD(tcp_flags) },
	{ "PSH alone", SCREEN, { .flags = PSH }, BAD(tcp_flags) },
	{ "FIN and RST without ACK", SCREEN, { .flags = FIN | RST }, BAD(tcp_flags) },
	{ "FIN and ACK", SCREEN, { .flags = FIN | ACK }, FINE },
	{ "RST alone", SCREEN, { .flags = RST }, FINE },
	{ "SYN with ECN bits", SCREEN, { .flags = SYN | 0xc0 }, FINE },
	{ "SYN with data", SCREEN, { .payload = 100 }, FINE },
	{ "source port 0", SCREEN, { .sport = NO_PORT }, BAD(tcp_flags) },
	{ "odd flags, not to 25", SCREEN, { .flags = SYN | FIN, .dport = 26 }, FINE },
	{ "odd flags from 25", SCREEN, { .flags = SYN | FIN, .sport = 25, .dport = 26 }, FINE },
	{ "odd flags, IPv6", SCREEN, { .v6 = true, .flags = SYN | FIN }, BAD(tcp_flags) },

	{ "IPv6 extensions", SCREEN, { CHAIN(HBH, DST) }, FINE },
	{ "IPv6 extensions, odd flags", SCREEN, { CHAIN(HBH, DST, 135, 139, 140), .flags = FIN },
	  BAD(tcp_flags) },
	{ "IPv6 authentication header, odd flags", SCREEN, { CHAIN(AHD), .flags = FIN },
	  BAD(tcp_flags) },
	{ "routing header that is done, odd flags", SCREEN, { CHAIN(RTG), .flags = FIN },
	  BAD(tcp_flags) },
	{ "routing header", SCREEN, { CHAIN(RTG), .segments_left = 1 }, BAD(ip_source_route) },
	{ "routing header behind another", SCREEN, { CHAIN(DST, RTG, DST), .segments_left = 1 },
	  BAD(ip_source_route) },
	{ "routing header, not to 25", SCREEN,
	  { CHAIN(RTG), .segments_left = 1, .dport = 26 }, FINE },
	{ "chain of 8, odd flags", SCREEN,
	  { CHAIN(DST, DST, DST, DST, DST, DST, DST, DST), .flags = FIN }, BAD(tcp_flags) },
	{ "chain of 9", SCREEN, { CHAIN(DST, DST, DST, DST, DST, DST, DST, DST, DST) },
	  BAD(ip6_chain) },
	{ "chain cut off", SCREEN, { CHAIN(DST, DST), .cut = 25 }, BAD(ip6_chain) },
	{ "chain to UDP", SCREEN, { CHAIN(DST), .chain_to_udp = true }, FINE },
	{ "ESP", SCREEN, { CHAIN(50) }, FINE },
	{ "no next header", SCREEN, { CHAIN(59) }, FINE },
	{ "IPv6 first fragment", SCREEN, { CHAIN(FRG), .more = true }, BAD(fragment_first) },
	{ "IPv6 atomic fragment", SCREEN, { CHAIN(FRG) }, BAD(fragment_first) },
	{ "IPv6 first fragment, not to 25", SCREEN, { CHAIN(FRG), .more = true, .dport = 26 },
	  FINE },
	{ "IPv6 first fragment without ports", SCREEN,
	  { CHAIN(FRG), .more = true, .dport = 26, .cut = 18 }, BAD(ip_length) },
	{ "IPv6 first fragment ends in the chain", SCREEN,
	  { CHAIN(FRG, DST), .more = true, .cut = 25 }, BAD(ip6_chain) },
	{ "IPv6 fragment at 8", SCREEN, { CHAIN(FRG), .offset = 8 }, BAD(fragment_low) },
	{ "IPv6 fragment at 24", SCREEN, { CHAIN(FRG), .offset = 24 }, FINE },
	{ "IPv6 fragment at 8 of UDP", SCREEN, { CHAIN(FRG), .offset = 8, .chain_to_udp = true },
	  FINE },
	{ "v4-mapped source on the wire", SCREEN,
	  { .v6 = true, .src = "::ffff:10.64.0.9", .flags = FIN }, FINE },

	{ "one tag, odd flags", SCREEN, { .tags = 1, .flags = FIN }, BAD(tcp_flags) },
	{ "two tags, odd flags", SCREEN, { .tags = 2, .flags = FIN }, BAD(tcp_flags) },
	{ "802.1ad, odd flags", SCREEN, { .tags = 1, .tag_type = 0x88a8, .flags = FIN },
	  BAD(tcp_flags) },
	{ "old QinQ, odd flags", SCREEN, { .tags = 2, .tag_type = 0x9100, .flags = FIN },
	  BAD(tcp_flags) },
	{ "two tags, IPv6, odd flags", SCREEN, { .v6 = true, .tags = 2, .flags = FIN },
	  BAD(tcp_flags) },
	{ "three tags", SCREEN, { .tags = 3 }, BAD(link_header) },
	{ "four tags", SCREEN, { .tags = 4 }, BAD(link_header) },
	{ "four tags, IPv6", SCREEN, { .v6 = true, .tags = 4 }, BAD(link_header) },
	{ "four tags, not to 25", SCREEN, { .tags = 4, .dport = 26 }, FINE },
	{ "five tags: whatever they hide", SCREEN, { .tags = 5 }, BAD(link_header) },
	{ "five tags, not to 25: it cannot be seen", SCREEN, { .tags = 5, .dport = 26 },
	  BAD(link_header) },
	{ "five tags in shadow", SCREEN, { .tags = 5 }, in_shadow, FINE,
	  .reason = POSTERN_R_shadow_drop, .would = POSTERN_R_link_header },
	{ "five tags in bypass", SCREEN, { .tags = 5 }, in_bypass, FINE,
	  .reason = POSTERN_R_bypass, .would = POSTERN_R_link_header },
	{ "nine tags, not from a pool", SCREEN, { .tags = 9, .src = "192.0.2.1", .dport = 26 },
	  BAD(link_header) },
	{ "PPPoE", SCREEN, { .pppoe = true }, FINE },
	{ "PPPoE, odd flags", SCREEN, { .pppoe = true, .flags = FIN }, BAD(tcp_flags) },
	{ "PPPoE, IPv6, odd flags", SCREEN, { .v6 = true, .pppoe = true, .flags = FIN },
	  BAD(tcp_flags) },
	{ "PPPoE behind two tags, odd flags", SCREEN, { .tags = 2, .pppoe = true, .flags = FIN },
	  BAD(tcp_flags) },
	{ "PPPoE, short protocol, odd flags", SCREEN,
	  { .pppoe = true, .ppp_short = true, .flags = FIN }, BAD(tcp_flags) },
	{ "PPPoE, LCP", SCREEN, { .pppoe = true, .ppp_other = 0xc021, .flags = FIN }, FINE },
	{ "PPPoE longer than the frame", SCREEN, { .pppoe = true, .damage = pppoe_long },
	  BAD(link_header) },
	{ "PPPoE shorter than PPP", SCREEN, { .pppoe = true, .damage = pppoe_short },
	  BAD(link_header) },
	{ "PPPoE shorter than IP", SCREEN, { .pppoe = true, .damage = pppoe_cuts_ip },
	  BAD(ip_length) },
	{ "PPPoE of another version", SCREEN, { .pppoe = true, .damage = pppoe_version },
	  BAD(link_header) },
	{ "PPPoE with a code", SCREEN, { .pppoe = true, .damage = pppoe_code },
	  BAD(link_header) },
	{ "three tags and a fragment", SCREEN, { .tags = 3, .fragment = true, .offset = 8 },
	  BAD(link_header) },
	{ "three tags and a broken header", SCREEN, { .tags = 3, .damage = ihl_4 },
	  BAD(link_header) },
	{ "first fragment with a source route", SCREEN, { .fragment = true, .more = true,
	  OPTIONS(131, 3, 4, 0) }, BAD(fragment_first) },
	{ "source route and odd flags", SCREEN, { .flags = FIN, OPTIONS(131, 3, 4, 0) },
	  BAD(ip_source_route) },
	{ "damaged PPPoE, not to 25", SCREEN,
	  { .pppoe = true, .dport = 26, .damage = pppoe_code }, FINE },

	{ "odd flags from outside the pools", SCREEN, { .src = "192.0.2.1", .flags = FIN }, FINE },
	{ "odd flags, exempt", SCREEN, { .src = "10.65.0.1", .flags = FIN }, FINE },
	{ "odd flags, refused", SCREEN, { .src = "10.66.0.1", .flags = FIN }, BAD(tcp_flags) },
	{ "odd flags, outside the rollout share", SCREEN, { .src = "10.68.0.1", .flags = FIN },
	  FINE, .reason = POSTERN_R_shadow_drop, .would = POSTERN_R_tcp_flags },
	{ "odd flags in shadow", SCREEN, { .flags = FIN }, in_shadow, FINE,
	  .reason = POSTERN_R_shadow_drop, .would = POSTERN_R_tcp_flags },
	{ "first fragment in bypass", SCREEN, { .fragment = true, .more = true }, in_bypass, FINE,
	  .reason = POSTERN_R_bypass, .would = POSTERN_R_fragment_first },
};

const struct rows parse_rows = { rows, sizeof(rows) / sizeof(*rows) };

/* What the screen drops, the tc programs drop too, with and without one before them. */
static void run_as(struct rig *r, enum program program)
{
	struct row row;
	struct rows one = { &row, 1 };
	unsigned int i;

	for (i = 0; i < parse_rows.count; i++) {
		row = rows[i];
		if (row.verdict != XDP_DROP)
			continue;
		row.program = program;
		row.verdict = DROP;
		rows_run(r, &one);
	}
}

Test(parse, screen)
{
	struct rig *r = rig_make();

	rows_run(r, &parse_rows);
	rig_free(r);
}

Test(parse, tc_drops_the_same)
{
	struct rig *r = rig_make();

	run_as(r, STEER);
	run_as(r, STEER_SCREEN);
	rig_free(r);
}

/* Behind a screen that let it pass, tc does so too, and does not count it again. */
Test(parse, tc_behind_a_screen_in_shadow)
{
	static const struct row quiet[] = {
		{ "behind, in shadow", STEER, { .flags = FIN }, in_shadow, .verdict = PASS },
		{ "behind, in bypass", STEER, { .flags = FIN }, in_bypass, .verdict = PASS },
		{ "instead, in shadow", STEER_SCREEN, { .flags = FIN }, in_shadow, .verdict = PASS,
		  .reason = POSTERN_R_shadow_drop, .would = POSTERN_R_tcp_flags },
	};
	struct rows all = { quiet, sizeof(quiet) / sizeof(*quiet) };
	struct rig *r = rig_make();

	rows_run(r, &all);
	rig_free(r);
}

/* However short a frame is, it is passed or refused, and never steered half read. */
Test(parse, every_length)
{
	const struct frame_spec specs[] = {
		{ .pppoe = true, .tags = 2 }, { .options = { 148, 4 }, .options_len = 4 },
		{ CHAIN(HBH, DST, FRG) }, { .icmp = 3, .src = MX4, .dst = LINE4, .sport = 25 },
	};
	struct rig *r = rig_make();
	struct frame f;
	size_t i;

	for (i = 0; i < sizeof(specs) / sizeof(*specs); i++) {
		frame_build(&f, &specs[i]);
		/* BPF_PROG_TEST_RUN itself wants a whole IP header behind Ethernet. */
		while (--f.len >= 14 + (specs[i].pppoe ? 0 : specs[i].v6 ? 40 : 20)) {
			cr_expect_eq(rig_run(r, STEER, &f).mark, 0, "%zu: %u", i, f.len);
			rig_run(r, SCREEN, &f);
			rig_run(r, BACK, &f);
		}
	}
	cr_expect_eq(rig_count(r, POSTERN_R_steered), 0);
	rig_free(r);
}
