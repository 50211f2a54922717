// SPDX-License-Identifier: GPL-2.0
/*
 * The router's own addresses as rows of `destinations`: what is sent to the
 * router itself is never steered, or the inspector would dial itself.
 * Runs in `postern up` and, on every change of an address, in the clerk.
 */
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "steering/netlink.h"
#include "steering/view.h"

struct own {
	struct steering *s;
	struct postern_addr *addr;	/* sorted once all are read */
	size_t count;
};

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct postern_addr));
}

static int keep(struct own *own, const struct postern_addr *addr)
{
	struct postern_addr *grown;

	grown = realloc(own->addr, (own->count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	own->addr = grown;
	own->addr[own->count++] = *addr;
	return 0;
}

/* From an attribute of 4 or 16 octets. */
static bool read_addr(const struct nlattr *attr, struct postern_addr *addr)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	size_t size = attr ? mnl_attr_get_payload_len(attr) : 0;

	if (size != 4 && size != 16)
		return false;
	memcpy(addr->octet, mapped, sizeof(mapped));
	memcpy(addr->octet + 16 - size, mnl_attr_get_payload(attr), size);
	return true;
}

static int note_address(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attr, *found = NULL;
	struct own *own = arg;
	struct postern_addr addr;

	mnl_attr_for_each(attr, nlh, sizeof(struct ifaddrmsg)) {
		/* On a point-to-point link IFA_ADDRESS is the peer's. */
		if (mnl_attr_get_type(attr) == IFA_LOCAL ||
		    (mnl_attr_get_type(attr) == IFA_ADDRESS && !found))
			found = attr;
	}
	if (!read_addr(found, &addr) || !keep(own, &addr))
		return MNL_CB_OK;
	errno = ENOMEM;
	return MNL_CB_ERROR;
}

static int read_own(struct own *own)
{
	struct nlmsghdr *request;
	struct ifaddrmsg *hdr;
	struct netlink n;
	int err;

	err = netlink_open(&n);
	if (err)
		return err;
	request = netlink_request(&n, RTM_GETADDR, NLM_F_DUMP, sizeof(*hdr), &hdr);
	err = netlink_ask(&n, request, note_address, own);
	netlink_close(&n);
	if (!err && own->count)
		qsort(own->addr, own->count, sizeof(*own->addr), compare);
	return err;
}

static int add_row(struct own *own, const struct postern_addr *addr)
{
	static const struct postern_destination row = { .rule = POSTERN_DEST_OWN };
	struct postern_prefix key = { .prefix_len = 128, .addr = *addr };
	struct postern_destination there;
	int err;

	/* A row made by hand or by the configuration keeps its rule. */
	err = steering_destination_get(own->s, &key, &there);
	return err == -ENOENT ? steering_destination_set(own->s, &key, &row) : err;
}

static int drop_stale(void *arg, const struct postern_prefix *key,
		      const struct postern_destination *value)
{
	struct own *own = arg;
	int err;

	if (value->rule != POSTERN_DEST_OWN)
		return 0;
	if (key->prefix_len == 128 && own->count &&
	    bsearch(&key->addr, own->addr, own->count, sizeof(*own->addr), compare))
		return 0;
	err = steering_destination_del(own->s, key);
	return err == -ENOENT ? 0 : err;
}

int steering_own_refresh(struct steering *s)
{
	struct own own = { .s = s };
	size_t i;
	int err;

	err = read_own(&own);
	for (i = 0; !err && i < own.count; i++)
		err = add_row(&own, &own.addr[i]);
	if (!err)
		err = steering_destination_each(s, drop_stale, &own);
	free(own.addr);
	return err;
}
