// SPDX-License-Identifier: GPL-2.0
/*
 * Rules, routes, interfaces and own addresses, in a network namespace of the
 * test's own: each test is a process, and its namespace ends with it.
 */
#include <sched.h>
#include <stdlib.h>

#include "steering/attach.h"
#include "steering/check.h"
#include "steering/route.h"
#include "steering_conf.h"
#include "steering_view.h"

static struct netlink n;

/* Any answer of a shell command, first line; "" for none. */
static const char *shell(const char *command)
{
	static char line[512];
	FILE *f = popen(command, "r");

	cr_assert_not_null(f);
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	pclose(f);
	return line;
}

static int lines_of(const char *command)
{
	char counted[300];

	snprintf(counted, sizeof(counted), "{ %s; } 2>/dev/null | wc -l", command);
	return atoi(shell(counted));
}

static void setup(void)
{
	cr_assert_eq(unshare(CLONE_NEWNET), 0, "must be root");
	cr_assert_eq(system("ip link set lo up"), 0);
	cr_assert_eq(netlink_open(&n), 0);
}

static void teardown(void)
{
	netlink_close(&n);
}

TestSuite(steering_net, .init = setup, .fini = teardown);

#define OUR_RULES	"ip rule | grep 'proto 25'; ip -6 rule | grep 'proto 25'"
#define OUR_ROUTES	"ip -4 route show table all proto 25; ip -6 route show table all proto 25"

Test(steering_net, rules_and_routes_once_whatever_often)
{
	struct conf *conf = conf_of("");
	struct route_state before;

	cr_assert_eq(route_up(&n, conf, &before), 0);
	cr_expect_not(before.rule[0] || before.rule[1] || before.route[0] || before.route[1]);
	cr_assert_eq(route_up(&n, conf, &before), 0);
	cr_expect(before.rule[0] && before.rule[1] && before.route[0] && before.route[1]);
	cr_expect_eq(lines_of(OUR_RULES), 2);
	cr_expect_eq(lines_of(OUR_ROUTES), 2);
	cr_expect_str_eq(shell("ip rule list priority 2525"),
		"2525:\tfrom all fwmark 0x504f0000/0xffff0000 lookup 2525 proto 25\n");
	cr_expect_eq(strncmp(shell("ip -6 route show table 2525"), "local default dev lo", 20), 0);
	route_undo(&n, conf, &before);
	cr_expect_eq(lines_of(OUR_RULES), 2, "undo leaves what stood before");
	cr_assert_eq(route_down(&n), 0);
	cr_expect_eq(lines_of(OUR_RULES), 0);
	cr_expect_eq(lines_of(OUR_ROUTES), 0);
	cr_expect_eq(route_down(&n), 0, "twice is fine");
	conf_free(conf);
}

Test(steering_net, rules_of_another_configuration_are_pruned)
{
	struct conf *old = conf_of("route_table = 77\nrule_priority = 88\nmark = 0x10000\n");
	struct conf *new = conf_of("");
	struct route_state before;

	cr_assert_eq(system("ip rule add fwmark 0x1 lookup 77 priority 90"), 0);
	cr_assert_eq(route_up(&n, old, &before), 0);
	cr_assert_eq(route_up(&n, new, &before), 0);
	cr_expect_eq(lines_of(OUR_RULES), 4);
	cr_assert_eq(route_prune(&n, new), 0);
	cr_expect_eq(lines_of(OUR_RULES), 2);
	cr_expect_eq(lines_of(OUR_ROUTES), 2);
	cr_expect_eq(lines_of("ip rule list priority 90"), 1, "another's rule stays");
	cr_expect_eq(lines_of("ip rule list priority 2525"), 1);
	conf_free(old);
	conf_free(new);
}

/* ---- findings ---- */

static char said[4096];

static void say(void *arg, bool fatal, const char *line)
{
	(void)arg;
	snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s%s\n",
		 fatal ? "" : "note ", line);
}

static const struct steering_report report = { .say = say };

/* One obstacle each: how it is made, what the finding says. */
Test(steering_net, obstacles_to_rules_and_routes)
{
	static const struct {
		const char *conf, *make, *unmake, *words;
	} rows[] = {
		{ "", "ip rule add from 10.0.0.1 lookup 9 priority 2525",
		  "ip rule del priority 2525", "IPv4 rule of priority 2525 is not ours" },
		{ "", "ip -6 rule add fwmark 0x504f0000/0xff000000 lookup 9 priority 7",
		  "ip -6 rule del priority 7", "IPv6 rule of priority 7 matches our mark" },
		{ "", "ip rule add from 10.0.0.1 lookup 2525 priority 7",
		  "ip rule del priority 7", "IPv4 rule of priority 7 leads to table 2525" },
		{ "", "ip route add blackhole 10.9.0.0/16 table 2525",
		  "ip route del blackhole 10.9.0.0/16 table 2525",
		  "IPv4 table 2525 holds a route that is not ours" },
		{ "route_table = 254\n", "true", "true", "one of the system's own tables" },
	};
	struct conf *conf;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		conf = conf_of(rows[i].conf);
		said[0] = '\0';
		cr_assert_eq(system(rows[i].make), 0);
		cr_expect_eq(route_check(&n, conf, &report), 1, "%s: %s", rows[i].make, said);
		cr_expect_not_null(strstr(said, rows[i].words), "%s: %s", rows[i].make, said);
		cr_assert_eq(system(rows[i].unmake), 0);
		conf_free(conf);
	}
}

Test(steering_net, no_obstacle_in_marks_on_other_bits)
{
	struct conf *conf = conf_of("");
	struct route_state before;

	cr_assert_eq(route_up(&n, conf, &before), 0);
	cr_assert_eq(system("ip rule add fwmark 0x1/0xffff lookup 9 priority 7;"
			    "ip rule add fwmark 0x10000/0xffff0000 lookup 9 priority 8"), 0);
	said[0] = '\0';
	cr_expect_eq(route_check(&n, conf, &report), 0, "%s", said);
	conf_free(conf);
}

/* ---- own addresses ---- */

static int count_own(void *arg, const struct postern_prefix *key,
		     const struct postern_destination *value)
{
	(void)key;
	*(int *)arg += value->rule == POSTERN_DEST_OWN;
	return 0;
}

static int rule_of(struct steering *s, const char *text)
{
	struct postern_prefix key = prefix(text);
	struct postern_destination row;
	int err = steering_destination_get(s, &key, &row);

	return err ? err : row.rule;
}

Test(steering_net, own_addresses_follow_the_interfaces)
{
	struct postern_destination pass = { .rule = POSTERN_DEST_PASS };
	struct postern_prefix smarthost = prefix("192.0.2.3"), wide = prefix("192.0.2.0/24");
	struct steering s;
	int own = 0;

	view_make(&s);
	cr_assert_eq(steering_destination_set(&s, &smarthost, &pass), 0);
	cr_assert_eq(steering_destination_set(&s, &wide, &pass), 0);
	cr_assert_eq(system("ip link add t0 type veth peer name t1 && ip link set t0 up &&"
			    "ip addr add 192.0.2.1/24 dev t0 &&"
			    "ip addr add 192.0.2.3/24 dev t0 &&"
			    "ip addr add 192.0.2.9 peer 203.0.113.9 dev t0 &&"
			    "ip addr add 2001:db8::1/64 dev t0"), 0);
	cr_assert_eq(steering_own_refresh(&s), 0);
	cr_expect_eq(rule_of(&s, "192.0.2.1"), POSTERN_DEST_OWN);
	cr_expect_eq(rule_of(&s, "2001:db8::1"), POSTERN_DEST_OWN);
	cr_expect_eq(rule_of(&s, "192.0.2.9"), POSTERN_DEST_OWN, "own end of a line");
	cr_expect_eq(rule_of(&s, "203.0.113.9"), -ENOENT, "peer's end of a line");
	cr_expect_eq(rule_of(&s, "192.0.2.3"), POSTERN_DEST_PASS, "made by hand");
	cr_assert_eq(system("ip addr del 192.0.2.1/24 dev t0; ip addr del 192.0.2.3/24 dev t0"
			    " 2>/dev/null; ip addr flush dev t0 to 2001:db8::/32"), 0);
	cr_assert_eq(steering_own_refresh(&s), 0);
	cr_expect_eq(rule_of(&s, "192.0.2.1"), -ENOENT);
	cr_expect_eq(rule_of(&s, "2001:db8::1"), -ENOENT);
	cr_expect_eq(rule_of(&s, "192.0.2.3"), POSTERN_DEST_PASS);
	cr_expect_eq(rule_of(&s, "192.0.2.0/24"), POSTERN_DEST_PASS);
	cr_expect_eq(rule_of(&s, "127.0.0.1"), POSTERN_DEST_OWN);
	steering_destination_each(&s, count_own, &own);
	cr_expect_geq(own, 2);
	steering_view_release(&s);
}

/* ---- interfaces ---- */

Test(steering_net, interfaces_by_name_and_kind)
{
	struct iface iface;

	cr_assert_eq(system("ip link add t0 type veth peer name t1;"
			    "ip link property add dev t0 altname a-name-longer-than-fifteen;"
			    "ip tuntap add tun9 mode tun"), 0);
	cr_expect_eq(iface_find(&n, "t0", &iface), 0);
	cr_expect_str_eq(iface.name, "t0");
	cr_expect(iface_has_link_header(&iface));
	cr_expect_eq(iface_find(&n, "a-name-longer-than-fifteen", &iface), 0);
	cr_expect_str_eq(iface.name, "t0");
	cr_expect_eq(iface_find(&n, "tun9", &iface), 0);
	cr_expect_not(iface_has_link_header(&iface));
	cr_expect_eq(iface_find(&n, "nothing", &iface), -ENODEV);
	cr_expect_eq(iface_find(&n, "", &iface), -ENODEV);
}

Test(steering_net, filters_of_others_are_seen)
{
	struct iface_list list;
	struct iface iface;

	cr_assert_eq(system("ip link add t0 type veth peer name t1"), 0);
	cr_assert_eq(iface_find(&n, "t0", &iface), 0);
	cr_assert_eq(iface_list_clsact(&n, &list), 0);
	cr_expect_eq(list.count, 0);
	cr_assert_eq(system("tc qdisc add dev t0 clsact"), 0);
	cr_assert_eq(iface_list_clsact(&n, &list), 0);
	cr_expect_eq(list.count, 1);
	cr_expect_eq(list.index[0], iface.index);
	free(list.index);
	cr_expect_eq(iface_has_filters(&n, iface.index), 0);
	cr_assert_eq(system("tc filter add dev t0 egress prio 5 bpf bytecode '1,6 0 0 0'"), 0);
	cr_expect_eq(iface_has_filters(&n, iface.index), 1);
	cr_expect_eq(iface_foreign_filter(&n, iface.index, 25, 0x25), 0);
	cr_assert_eq(system("tc filter add dev t0 ingress prio 25 handle 7"
			    " bpf bytecode '1,6 0 0 0'"), 0);
	cr_expect_eq(iface_foreign_filter(&n, iface.index, 25, 0x25), 1, "another handle");
	cr_assert_eq(system("tc filter del dev t0 ingress; tc filter add dev t0 ingress prio 25"
			    " handle 0x25 bpf bytecode '1,6 0 0 0'"), 0);
	cr_expect_eq(iface_foreign_filter(&n, iface.index, 25, 0x25), 1, "our handle, not eBPF");
	cr_expect_eq(iface_foreign_filter(&n, iface.index, 24, 0x25), 0, "another priority");
}
