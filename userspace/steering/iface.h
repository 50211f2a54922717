/* SPDX-License-Identifier: GPL-2.0 */
/* Interfaces as rtnetlink knows them. Internal to steering. */
#ifndef STEERING_IFACE_H
#define STEERING_IFACE_H

#include <net/if.h>
#include <stdbool.h>

#include "steering/netlink.h"

struct iface {
	int index;
	unsigned int type;	/* ARPHRD_... */
	unsigned int flags;	/* IFF_... */
	unsigned int mtu;
	char name[IFNAMSIZ];	/* its own name, not an alternative one */
};

/* Look one up by name or alternative name; -ENODEV when there is none. */
int iface_find(struct netlink *n, const char *name, struct iface *out);

/* Do its packets begin with an Ethernet header? Else with the IP header. */
bool iface_has_link_header(const struct iface *iface);

/* Indexes of interfaces, grown as found; free(list->index) by the caller. */
struct iface_list {
	int *index;
	size_t count;
};

/*
 * List every interface that has a clsact or ingress qdisc, the only ones that
 * can carry a filter at ingress; one may stand twice. 0, or -errno and nothing
 * to free.
 */
int iface_list_clsact(struct netlink *n, struct iface_list *list);

/* Are there filters on the interface's clsact qdisc, of anybody's? <0: -errno. */
int iface_has_filters(struct netlink *n, int ifindex);

/*
 * Does anything but an eBPF filter of this handle stand at that priority of
 * the interface's ingress? 1, 0, or -errno.
 */
int iface_foreign_filter(struct netlink *n, int ifindex, unsigned int priority,
			 uint32_t handle);

#endif
