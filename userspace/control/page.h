/* SPDX-License-Identifier: GPL-2.0 */
/* What the keeper tells the clerk for `status`: one page that both share. */
#ifndef CONTROL_PAGE_H
#define CONTROL_PAGE_H

#include <stdatomic.h>
#include <stdint.h>

/* Written by the keeper alone, read by the clerk. */
struct page {
	_Atomic uint64_t	started;	/* of the keeper, boot-time ns */
	_Atomic int		keeper, inspector, clerk;	/* process ids, 0 = not running */
	_Atomic unsigned int	inspector_restarts, clerk_restarts;
	_Atomic int		ready;
};

#endif
