// SPDX-License-Identifier: GPL-2.0
/* What stands on the configuration's interfaces, for `postern status`. Changes nothing. */
#include "steering/attach.h"

#include <errno.h>
#include <linux/if_link.h>
#include <string.h>

static void look(const struct pins *pins, const struct iface *iface,
		 struct steering_interface *row)
{
	int id;
	uint32_t mode = attach_xdp_mode(pins, iface->index, &id);

	row->there = iface->flags & IFF_UP;
	row->filtered = attach_tc_owner(iface->index) == 1;
	if (mode == XDP_FLAGS_DRV_MODE)
		row->xdp = "native";
	else if (mode == XDP_FLAGS_SKB_MODE)
		row->xdp = "generic";
}

int steering_interface_each(const struct conf *conf,
			    int (*each)(void *arg, const struct steering_interface *row),
			    void *arg)
{
	struct netlink n = { 0 };
	struct pins pins;
	int err = netlink_open(&n);

	if (err)
		return err;
	say_libbpf_begin();	/* a clsact that is not there is no news */
	pins_init(&pins, conf);
	for (size_t i = 0; i < conf->interface_count && !err; i++) {
		const struct conf_interface *wanted = &conf->interfaces[i];
		struct steering_interface row = { .name = wanted->title,
			.side = (enum conf_side)wanted->side, .xdp = "off" };
		struct iface iface;

		if (iface_find(&n, wanted->title, &iface) == 0)
			look(&pins, &iface, &row);
		err = each(arg, &row);
	}
	netlink_close(&n);
	return err;
}
