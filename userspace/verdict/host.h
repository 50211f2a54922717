/* SPDX-License-Identifier: GPL-2.0 */
/* Host names and numbers as resolvers and browsers read them. */
#ifndef VERDICT_HOST_H
#define VERDICT_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Lower case, and the full-width, mathematical and enclosed letters, digits
 * and dots that UTS 46 maps to plain ones, mapped, in place. Returns the new
 * length, never more than @len. Sets *@mapped when something was.
 */
size_t host_map(char *host, size_t len, bool *mapped);

/*
 * LINK_BIT()s for hosts made of numbers: number_host, address_host,
 * address_name. @host in lower case, without port.
 */
uint32_t host_number_judge(const char *host, size_t len);

#endif
