// SPDX-License-Identifier: GPL-2.0
/* Keeps the router's own addresses right in steering. */
#include "control/addresses.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

int addresses_open(struct addresses *a)
{
	struct sockaddr_nl at = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
	};
	int err;

	*a = (struct addresses){ .due = 1 };
	a->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (a->fd >= 0 && bind(a->fd, (const struct sockaddr *)&at, sizeof(at)) == 0)
		return 0;
	err = -errno;
	log_error("changes of this router's addresses cannot be heard: %s", strerror(-err));
	if (a->fd >= 0)
		close(a->fd);
	a->fd = -1;
	return err;
}

void addresses_changed(struct addresses *a, uint64_t now)
{
	char message[8192];

	/* What it says does not matter, nor that some were lost: all are read again. */
	while (recv(a->fd, message, sizeof(message), MSG_DONTWAIT) > 0 || errno == ENOBUFS)
		;
	a->due = now;
}

void addresses_run(struct addresses *a, struct steering *steering, uint64_t now)
{
	int err;

	if (!a->due || now < a->due)
		return;
	err = steering_own_refresh(steering);
	if (err && !a->failing)
		log_error("this router's addresses cannot be told to steering: %s; tried again "
			  "every second", strerror(-err));
	if (!err && a->failing)
		log_info("this router's addresses are told to steering again");
	a->failing = err;
	a->due = err ? now + NS_PER_SEC : 0;
}
