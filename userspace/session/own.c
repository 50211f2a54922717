// SPDX-License-Identifier: GPL-2.0
/*
 * Own addresses: own.h. A datagram socket is connected to the address, which
 * sends nothing: for a local destination the kernel takes the destination
 * itself as the source. Binding would ask the same, but where the sysctl
 * ip_nonlocal_bind is on (routers with VRRP), every address can be bound.
 */
#include "session/own.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "postern/hash.h"

int own_open(struct own *o)
{
	int err;

	*o = (struct own){ .fd6 = -1 };
	o->fd4 = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (o->fd4 < 0)
		return -errno;
	o->fd6 = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	/* A machine without IPv6 has no IPv6 sessions. */
	if (o->fd6 < 0 && errno != EAFNOSUPPORT) {
		err = -errno;
		close(o->fd4);
		return err;
	}
	return 0;
}

void own_close(struct own *o)
{
	close(o->fd4);
	if (o->fd6 >= 0)
		close(o->fd6);
}

static bool probe(struct own *o, const struct postern_addr *a)
{
	const struct sockaddr none = { .sa_family = AF_UNSPEC };
	struct sockaddr_storage to, from;
	socklen_t len = addr_to_sockaddr(a, POSTERN_SMTP_PORT, &to);
	int fd = addr_is_v4(a) ? o->fd4 : o->fd6;
	struct postern_addr source;

	/* The source chosen the last time would stay. */
	connect(fd, &none, sizeof(none));
	if (connect(fd, (struct sockaddr *)&to, len))
		return false;		/* no way there: the dial will say so */
	len = sizeof(from);
	if (getsockname(fd, (struct sockaddr *)&from, &len))
		return true;
	if (addr_from_sockaddr((struct sockaddr *)&from, &source, NULL))
		return true;
	return addr_equal(&source, a);
}

bool own_address(struct own *o, const struct postern_addr *a, uint64_t now)
{
	size_t at = postern_line_hash(a, POSTERN_SALT_WORKER) % OWN_CACHE;

	if (now >= o->cache[at].until || !addr_equal(&o->cache[at].addr, a)) {
		o->cache[at].addr = *a;
		o->cache[at].own = probe(o, a);
		o->cache[at].until = now + OWN_MEMORY_NS;
	}
	return o->cache[at].own;
}
