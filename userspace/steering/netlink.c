// SPDX-License-Identifier: GPL-2.0
/* rtnetlink requests and their answers; knows nothing of what they are about. */
#include <errno.h>
#include <string.h>

#include "steering/netlink.h"

#define ANSWER_SIZE	32768	/* what the kernel puts in one datagram at most */
#define DUMP_TRIES	8

static int open_socket(struct netlink *n)
{
	int on = 1;

	n->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!n->sock)
		return -errno;
	if (mnl_socket_bind(n->sock, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_setsockopt(n->sock, NETLINK_GET_STRICT_CHK, &on, sizeof(on)) < 0) {
		int err = -errno;

		netlink_close(n);
		return err;
	}
	return 0;
}

int netlink_open(struct netlink *n)
{
	memset(n, 0, sizeof(*n));
	return open_socket(n);
}

void netlink_close(struct netlink *n)
{
	if (n->sock)
		mnl_socket_close(n->sock);
	n->sock = NULL;
}

struct nlmsghdr *netlink_request(struct netlink *n, uint16_t type, uint16_t flags,
				 size_t header_size, void *header)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(n->request);

	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_REQUEST | flags;
	*(void **)header = mnl_nlmsg_put_extra_header(request, header_size);
	return request;
}

/* Read answers until the kernel says that these were all. */
static int collect(struct netlink *n, mnl_cb_t each, void *arg)
{
	unsigned int port = mnl_socket_get_portid(n->sock);
	char answer[ANSWER_SIZE];
	ssize_t size;
	int ret = 0;

	do {
		size = mnl_socket_recvfrom(n->sock, answer, sizeof(answer));
		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return -errno;
		ret = mnl_cb_run(answer, (size_t)size, n->seq, port, each, arg);
	} while (size < 0 || ret > MNL_CB_STOP);
	return ret < 0 ? -errno : 0;
}

static int send_request(struct netlink *n, struct nlmsghdr *request)
{
	request->nlmsg_seq = ++n->seq;
	if (mnl_socket_sendto(n->sock, request, request->nlmsg_len) < 0)
		return -errno;
	return 0;
}

int netlink_do(struct netlink *n, struct nlmsghdr *request)
{
	int err;

	request->nlmsg_flags |= NLM_F_ACK;
	err = send_request(n, request);
	return err ? err : collect(n, NULL, NULL);
}

int netlink_ask(struct netlink *n, struct nlmsghdr *request, mnl_cb_t each, void *arg)
{
	int tries, err = 0;

	/* A single answer ends by the acknowledgement, a dump by its end mark. */
	if ((request->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		request->nlmsg_flags |= NLM_F_ACK;
	for (tries = 0; tries < DUMP_TRIES; tries++) {
		err = send_request(n, request);
		if (!err)
			err = collect(n, each, arg);
		if (err != -EINTR)
			break;
		/* The rest of the broken dump must not be taken for the new one's. */
		netlink_close(n);
		err = open_socket(n);
		if (err)
			break;
		err = -EINTR;
	}
	return err;
}
