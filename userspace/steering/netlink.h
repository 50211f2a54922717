/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One rtnetlink socket with its buffer, over libmnl. Internal to steering.
 *
 * Requests are strict: the kernel filters dumps by what their headers and
 * attributes say, so that a router's million routes stay where they are.
 */
#ifndef STEERING_NETLINK_H
#define STEERING_NETLINK_H

#include <libmnl/libmnl.h>
#include <stdint.h>

#define NETLINK_REQUEST 1024	/* octets of the longest request */

struct netlink {
	struct mnl_socket *sock;
	uint32_t seq;
	char request[NETLINK_REQUEST];
};

/* Open; 0 or -errno. Needs no rights. */
int netlink_open(struct netlink *n);

/* Close; fine on one that is zero or was closed. */
void netlink_close(struct netlink *n);

/*
 * Begin a request in the socket's own buffer: type (RTM_...), flags besides
 * NLM_F_REQUEST, and @header_size zeroed octets of family header at *@header.
 */
struct nlmsghdr *netlink_request(struct netlink *n, uint16_t type, uint16_t flags,
				 size_t header_size, void *header);

/* Send what was begun and wait for the kernel's word; 0 or its -errno. */
int netlink_do(struct netlink *n, struct nlmsghdr *request);

/*
 * Send what was begun and call @each on every answer; 0 or -errno. A dump that
 * the kernel calls inconsistent is repeated: @each may meet a row twice.
 */
int netlink_ask(struct netlink *n, struct nlmsghdr *request, mnl_cb_t each, void *arg);

#endif
