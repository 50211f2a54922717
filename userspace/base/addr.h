/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Addresses and prefixes: text, sockets and the v4-mapped 128-bit key.
 * IPv4 and IPv6 meet here; nothing behind this header knows two families.
 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "postern/abi.h"

/* Room for the longest address or prefix as text, with the final NUL. */
#define ADDR_TEXT	64

/* Is it an IPv4 address (v4-mapped)? */
bool addr_is_v4(const struct postern_addr *a);

bool addr_equal(const struct postern_addr *a, const struct postern_addr *b);

/* Parse "192.0.2.1" or "2001:db8::1". Returns 0 or -EINVAL. */
int addr_parse(const char *text, struct postern_addr *out);

/*
 * Parse "ADDR/BITS" or "ADDR" (one address). Host bits beyond the length must
 * be zero. Returns 0, -EINVAL (not a prefix), -ERANGE (length), or -EDOM
 * (host bits set).
 */
int prefix_parse(const char *text, struct postern_prefix *out);

/* What was wrong, in words, for the three errors of prefix_parse(). */
const char *prefix_error(int err);

/* Write as text (IPv4 dotted, never v4-mapped); @buf has ADDR_TEXT octets. Returns @buf. */
const char *addr_text(const struct postern_addr *a, char *buf);

/* As "ADDR/BITS"; whole addresses without "/BITS". Returns @buf. */
const char *prefix_text(const struct postern_prefix *p, char *buf);

/* Clear all bits behind the first @bits (0..128, mapped). */
void addr_mask(struct postern_addr *a, unsigned int bits);

/* Does @p hold @a? */
bool prefix_holds(const struct postern_prefix *p, const struct postern_addr *a);

/* From AF_INET, AF_INET6 or v4-mapped; @port (host order) may be NULL. -EAFNOSUPPORT else. */
int addr_from_sockaddr(const struct sockaddr *sa, struct postern_addr *a, unsigned int *port);

/* To a sockaddr of the address's own family; returns its length. @port in host order. */
socklen_t addr_to_sockaddr(const struct postern_addr *a, unsigned int port,
			   struct sockaddr_storage *out);

#endif
