// SPDX-License-Identifier: GPL-2.0
/*
 * Rules and routes for marked packets, over rtnetlink. Runs in whoever calls
 * up, down or check. IPv4 and IPv6 differ by the family in the header alone.
 */
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "steering/route.h"
#include "steering/say.h"

#define FAMILIES 2
static const struct {
	unsigned char family;
	unsigned char scope;	/* IPv6 knows no scopes of routes */
	const char *name;
} families[FAMILIES] = {
	{ AF_INET, RT_SCOPE_HOST, "IPv4" },
	{ AF_INET6, RT_SCOPE_UNIVERSE, "IPv6" },
};

/* What of a rule matters here. */
struct rule {
	unsigned char family, protocol, action;
	uint32_t priority, table, mark, mask;
};

/* Rules and routes of ours that were found, a few at a time. */
#define FOUND_MAX 16
struct found {
	const struct conf *keep;	/* these settings' are not wanted; may be NULL */
	size_t count;
	struct rule rule[FOUND_MAX];	/* of a route: family and table */
};

static struct rule rule_wanted(const struct conf *conf, unsigned char family)
{
	return (struct rule) {
		.family = family, .protocol = ROUTE_PROTOCOL, .action = FR_ACT_TO_TBL,
		.priority = (uint32_t)conf->rule_priority,
		.table = (uint32_t)conf->route_table,
		.mark = (uint32_t)conf->mark, .mask = (uint32_t)conf->mark_mask,
	};
}

static bool rule_same(const struct rule *a, const struct rule *b)
{
	return a->family == b->family && a->priority == b->priority &&
	       a->table == b->table && a->mark == b->mark && a->mask == b->mask;
}

static int rule_change(struct netlink *n, uint16_t type, const struct rule *rule)
{
	uint16_t flags = type == RTM_NEWRULE ? NLM_F_CREATE | NLM_F_EXCL : 0;
	struct fib_rule_hdr *hdr;
	struct nlmsghdr *request;

	request = netlink_request(n, type, flags, sizeof(*hdr), &hdr);
	hdr->family = rule->family;
	hdr->action = rule->action;
	mnl_attr_put_u32(request, FRA_PRIORITY, rule->priority);
	mnl_attr_put_u32(request, FRA_TABLE, rule->table);
	mnl_attr_put_u32(request, FRA_FWMARK, rule->mark);
	mnl_attr_put_u32(request, FRA_FWMASK, rule->mask);
	mnl_attr_put_u8(request, FRA_PROTOCOL, rule->protocol);
	return netlink_do(n, request);
}

static int route_change(struct netlink *n, uint16_t type, size_t family, uint32_t table)
{
	uint16_t flags = type == RTM_NEWROUTE ? NLM_F_CREATE | NLM_F_EXCL : 0;
	struct nlmsghdr *request;
	struct rtmsg *hdr;

	request = netlink_request(n, type, flags, sizeof(*hdr), &hdr);
	hdr->rtm_family = families[family].family;
	hdr->rtm_protocol = ROUTE_PROTOCOL;
	hdr->rtm_scope = families[family].scope;
	hdr->rtm_type = RTN_LOCAL;
	mnl_attr_put_u32(request, RTA_TABLE, table);
	mnl_attr_put_u32(request, RTA_OIF, if_nametoindex("lo"));
	return netlink_do(n, request);
}

/* Add one; @stood tells that it was there already. */
static int add(int err, bool *stood)
{
	*stood = err == -EEXIST;
	return *stood ? 0 : err;
}

/* Read one rule out of a message. */
static void rule_read(const struct nlmsghdr *nlh, struct rule *rule)
{
	const struct fib_rule_hdr *hdr = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;

	*rule = (struct rule) { .family = hdr->family, .action = hdr->action,
				.table = hdr->table };
	mnl_attr_for_each(attr, nlh, sizeof(*hdr)) {
		switch (mnl_attr_get_type(attr)) {
		case FRA_PRIORITY:
			rule->priority = mnl_attr_get_u32(attr);
			break;
		case FRA_TABLE:
			rule->table = mnl_attr_get_u32(attr);
			break;
		case FRA_FWMARK:
			rule->mark = mnl_attr_get_u32(attr);
			break;
		case FRA_FWMASK:
			rule->mask = mnl_attr_get_u32(attr);
			break;
		case FRA_PROTOCOL:
			rule->protocol = mnl_attr_get_u8(attr);
			break;
		}
	}
}

static int rules_each(struct netlink *n, mnl_cb_t each, void *arg)
{
	struct fib_rule_hdr *hdr;
	struct nlmsghdr *request;
	size_t i;
	int err = 0;

	for (i = 0; !err && i < FAMILIES; i++) {
		request = netlink_request(n, RTM_GETRULE, NLM_F_DUMP, sizeof(*hdr), &hdr);
		hdr->family = families[i].family;
		err = netlink_ask(n, request, each, arg);
	}
	return err;
}

/* Every route of @table (0: of all tables) and @protocol (0: of all protocols). */
static int routes_each(struct netlink *n, uint32_t table, unsigned char protocol,
		       mnl_cb_t each, void *arg)
{
	struct nlmsghdr *request;
	struct rtmsg *hdr;
	size_t i;
	int err = 0;

	for (i = 0; !err && i < FAMILIES; i++) {
		request = netlink_request(n, RTM_GETROUTE, NLM_F_DUMP, sizeof(*hdr), &hdr);
		hdr->rtm_family = families[i].family;
		hdr->rtm_protocol = protocol;
		if (table)
			mnl_attr_put_u32(request, RTA_TABLE, table);
		err = netlink_ask(n, request, each, arg);
		if (err == -ENOENT)	/* no such table: no routes */
			err = 0;
	}
	return err;
}

static int find_rule(const struct nlmsghdr *nlh, void *arg)
{
	struct found *found = arg;
	struct rule rule, wanted;

	rule_read(nlh, &rule);
	if (rule.protocol != ROUTE_PROTOCOL || found->count == FOUND_MAX)
		return MNL_CB_OK;
	if (found->keep) {
		wanted = rule_wanted(found->keep, rule.family);
		if (rule_same(&rule, &wanted))
			return MNL_CB_OK;
	}
	found->rule[found->count++] = rule;
	return MNL_CB_OK;
}

/* The table of a route message; above 255 it stands in an attribute alone. */
static uint32_t route_table(const struct nlmsghdr *nlh)
{
	const struct rtmsg *hdr = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(*hdr)) {
		if (mnl_attr_get_type(attr) == RTA_TABLE)
			return mnl_attr_get_u32(attr);
	}
	return hdr->rtm_table;
}

static bool route_is_ours(const struct nlmsghdr *nlh)
{
	const struct rtmsg *hdr = mnl_nlmsg_get_payload(nlh);

	return hdr->rtm_protocol == ROUTE_PROTOCOL && hdr->rtm_type == RTN_LOCAL &&
	       hdr->rtm_dst_len == 0;
}

static int find_route(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *hdr = mnl_nlmsg_get_payload(nlh);
	struct found *found = arg;
	uint32_t table = route_table(nlh);

	if (!route_is_ours(nlh) || found->count == FOUND_MAX)
		return MNL_CB_OK;
	if (found->keep && table == (uint32_t)found->keep->route_table)
		return MNL_CB_OK;
	found->rule[found->count++] = (struct rule) { .family = hdr->rtm_family,
						      .table = table };
	return MNL_CB_OK;
}

/* Remove rules and routes of ours but those that @keep asks for. */
static int sweep(struct netlink *n, const struct conf *keep)
{
	struct found found;
	size_t i;
	int err;

	do {
		found = (struct found) { .keep = keep };
		err = rules_each(n, find_rule, &found);
		for (i = 0; !err && i < found.count; i++)
			err = rule_change(n, RTM_DELRULE, &found.rule[i]);
	} while (!err && found.count == FOUND_MAX);
	if (err)
		return err;
	do {
		found = (struct found) { .keep = keep };
		err = routes_each(n, 0, ROUTE_PROTOCOL, find_route, &found);
		for (i = 0; !err && i < found.count; i++)
			err = route_change(n, RTM_DELROUTE,
					   found.rule[i].family == AF_INET6, found.rule[i].table);
	} while (!err && found.count == FOUND_MAX);
	return err;
}

int route_up(struct netlink *n, const struct conf *conf, struct route_state *before)
{
	uint32_t table = (uint32_t)conf->route_table;
	struct rule rule;
	size_t i;
	int err = 0;

	/* What is not reached was not made and must not be undone. */
	memset(before, true, sizeof(*before));
	/* Route before rule: a mark never meets an empty table. */
	for (i = 0; !err && i < FAMILIES; i++)
		err = add(route_change(n, RTM_NEWROUTE, i, table), &before->route[i]);
	for (i = 0; !err && i < FAMILIES; i++) {
		rule = rule_wanted(conf, families[i].family);
		err = add(rule_change(n, RTM_NEWRULE, &rule), &before->rule[i]);
	}
	return err;
}

void route_undo(struct netlink *n, const struct conf *conf, const struct route_state *before)
{
	struct rule rule;
	size_t i;

	for (i = 0; i < FAMILIES; i++) {
		rule = rule_wanted(conf, families[i].family);
		if (!before->rule[i])
			rule_change(n, RTM_DELRULE, &rule);
		if (!before->route[i])
			route_change(n, RTM_DELROUTE, i, (uint32_t)conf->route_table);
	}
}

int route_prune(struct netlink *n, const struct conf *conf)
{
	return sweep(n, conf);
}

int route_down(struct netlink *n)
{
	return sweep(n, NULL);
}

/* ---- what stands in the way ---- */

struct obstacle {
	const struct conf *conf;
	const struct steering_report *report;
	int faults;
};

static const char *family_name(unsigned char family)
{
	return families[family == AF_INET6].name;
}

static int check_rule(const struct nlmsghdr *nlh, void *arg)
{
	struct obstacle *o = arg;
	struct rule rule, want;
	uint32_t common;

	rule_read(nlh, &rule);
	if (rule.protocol == ROUTE_PROTOCOL)
		return MNL_CB_OK;
	want = rule_wanted(o->conf, rule.family);
	common = rule.mask & want.mask;
	if (rule.priority == want.priority)
		o->faults += say_fault(o->report,
			"%s rule of priority %u is not ours; remove it or set rule_priority "
			"to a free number",
			family_name(rule.family), rule.priority);
	else if (rule.table == want.table && rule.action == FR_ACT_TO_TBL)
		o->faults += say_fault(o->report,
			"%s rule of priority %u leads to table %u, which is ours; set "
			"route_table to a free number",
			family_name(rule.family), rule.priority, rule.table);
	else if (common && !((rule.mark ^ want.mark) & common))
		o->faults += say_fault(o->report,
			"%s rule of priority %u matches our mark (fwmark 0x%x/0x%x, ours "
			"0x%x/0x%x); set mark and mark_mask to free bits",
			family_name(rule.family), rule.priority, rule.mark, rule.mask,
			want.mark, want.mask);
	return MNL_CB_OK;
}

static int check_route(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *hdr = mnl_nlmsg_get_payload(nlh);
	struct obstacle *o = arg;

	if (route_table(nlh) == (uint32_t)o->conf->route_table && !route_is_ours(nlh))
		o->faults += say_fault(o->report,
			"%s table %u holds a route that is not ours; set route_table to a "
			"free number",
			family_name(hdr->rtm_family), (unsigned int)o->conf->route_table);
	return MNL_CB_OK;
}

int route_check(struct netlink *n, const struct conf *conf,
		const struct steering_report *report)
{
	struct obstacle o = { .conf = conf, .report = report };
	uint32_t table = (uint32_t)conf->route_table;
	int err;

	if (table >= RT_TABLE_DEFAULT && table <= RT_TABLE_LOCAL)
		return say_fault(report,
			"route_table %u is one of the system's own tables; set it to a free "
			"number, such as 2525",
			table);
	err = rules_each(n, check_rule, &o);
	if (!err)
		err = routes_each(n, table, 0, check_route, &o);
	if (err)
		o.faults += say_fault(report, "cannot read routing rules and tables: %s",
				      strerror(-err));
	return o.faults;
}
