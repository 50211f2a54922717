// SPDX-License-Identifier: GPL-2.0
/* Questions to rtnetlink about interfaces and their clsact qdiscs. */
#include "steering/iface.h"	/* <net/if.h> goes before <linux/...> */

#include <errno.h>
#include <linux/if_arp.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>


static int read_iface(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifinfomsg *hdr = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	struct iface *out = arg;

	*out = (struct iface) { .index = hdr->ifi_index, .type = hdr->ifi_type,
				.flags = hdr->ifi_flags };
	mnl_attr_for_each(attr, nlh, sizeof(*hdr)) {
		if (mnl_attr_get_type(attr) == IFLA_IFNAME)
			strncpy(out->name, mnl_attr_get_str(attr), IFNAMSIZ - 1);
		else if (mnl_attr_get_type(attr) == IFLA_MTU)
			out->mtu = mnl_attr_get_u32(attr);
	}
	return MNL_CB_OK;
}

int iface_find(struct netlink *n, const char *name, struct iface *out)
{
	uint16_t kind = strlen(name) < IFNAMSIZ ? IFLA_IFNAME : IFLA_ALT_IFNAME;
	struct nlmsghdr *request;
	struct ifinfomsg *hdr;
	int err;

	out->index = 0;
	request = netlink_request(n, RTM_GETLINK, 0, sizeof(*hdr), &hdr);
	if (!*name || !mnl_attr_put_strz_check(request, NETLINK_REQUEST, kind, name))
		return -ENODEV;
	err = netlink_ask(n, request, read_iface, out);
	return err ? err : out->index ? 0 : -ENODEV;
}

bool iface_has_link_header(const struct iface *iface)
{
	return iface->type == ARPHRD_ETHER || iface->type == ARPHRD_LOOPBACK;
}

static int list_qdisc(const struct nlmsghdr *nlh, void *arg)
{
	const struct tcmsg *hdr = mnl_nlmsg_get_payload(nlh);
	struct iface_list *list = arg;
	int *grown;

	/* TC_H_CLSACT is the parent of both kinds, clsact and ingress. */
	if (hdr->tcm_parent != TC_H_CLSACT)
		return MNL_CB_OK;
	grown = realloc(list->index, (list->count + 1) * sizeof(*grown));
	if (!grown) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	list->index = grown;
	list->index[list->count++] = hdr->tcm_ifindex;
	return MNL_CB_OK;
}

int iface_list_clsact(struct netlink *n, struct iface_list *list)
{
	struct nlmsghdr *request;
	struct tcmsg *hdr;
	int err;

	*list = (struct iface_list) { 0 };
	request = netlink_request(n, RTM_GETQDISC, NLM_F_DUMP, sizeof(*hdr), &hdr);
	err = netlink_ask(n, request, list_qdisc, list);
	if (err) {
		free(list->index);
		*list = (struct iface_list) { 0 };
	}
	return err;
}

static int dump_filters(struct netlink *n, int ifindex, uint32_t side, mnl_cb_t each, void *arg)
{
	struct nlmsghdr *request;
	struct tcmsg *hdr;

	request = netlink_request(n, RTM_GETTFILTER, NLM_F_DUMP, sizeof(*hdr), &hdr);
	hdr->tcm_ifindex = ifindex;
	hdr->tcm_parent = TC_H_MAKE(TC_H_CLSACT, side);
	return netlink_ask(n, request, each, arg);
}

static int note_filter(const struct nlmsghdr *nlh, void *arg)
{
	(void)nlh;
	*(int *)arg = 1;
	return MNL_CB_OK;
}

int iface_has_filters(struct netlink *n, int ifindex)
{
	int found = 0, err;

	err = dump_filters(n, ifindex, TC_H_MIN_INGRESS, note_filter, &found);
	if (!err)
		err = dump_filters(n, ifindex, TC_H_MIN_EGRESS, note_filter, &found);
	return err ? err : found;
}

struct place {
	unsigned int priority;
	uint32_t handle;
	int foreign;
};

/* Is it an eBPF program? One of classic BPF has no id. */
static bool is_ebpf(const struct nlmsghdr *nlh)
{
	const struct nlattr *attr, *option;
	bool kind = false, id = false;

	mnl_attr_for_each(attr, nlh, sizeof(struct tcmsg)) {
		if (mnl_attr_get_type(attr) == TCA_KIND)
			kind = !strcmp(mnl_attr_get_str(attr), "bpf");
		if (mnl_attr_get_type(attr) != TCA_OPTIONS)
			continue;
		mnl_attr_for_each_nested(option, attr)
			id |= mnl_attr_get_type(option) == TCA_BPF_ID;
	}
	return kind && id;
}

static int note_foreign(const struct nlmsghdr *nlh, void *arg)
{
	const struct tcmsg *hdr = mnl_nlmsg_get_payload(nlh);
	struct place *place = arg;

	/* The priority is the upper half; handle 0 is the head of a list. */
	if (hdr->tcm_info >> 16 != place->priority || !hdr->tcm_handle)
		return MNL_CB_OK;
	if (hdr->tcm_handle != place->handle || !is_ebpf(nlh))
		place->foreign = 1;
	return MNL_CB_OK;
}

int iface_foreign_filter(struct netlink *n, int ifindex, unsigned int priority,
			 uint32_t handle)
{
	struct place place = { .priority = priority, .handle = handle };
	int err;

	err = dump_filters(n, ifindex, TC_H_MIN_INGRESS, note_foreign, &place);
	return err ? err : place.foreign;
}
