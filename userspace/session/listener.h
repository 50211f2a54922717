/* SPDX-License-Identifier: GPL-2.0 */
/* The sockets that steered connections arrive at. */
#ifndef SESSION_LISTENER_H
#define SESSION_LISTENER_H

/*
 * A non-blocking listener on @port of all addresses, for both families, that
 * takes connections meant for any address. Needs CAP_NET_RAW. Connections
 * inherit TCP_NODELAY. Returns a descriptor or -errno.
 */
int listener_open(unsigned int port);

#endif
