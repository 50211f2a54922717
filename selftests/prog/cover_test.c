// SPDX-License-Identifier: GPL-2.0
/* Every reason that a program can give is given in some table. */
#include <criterion/criterion.h>

#include "names.h"
#include "rows.h"

static bool in_rows(const struct rows *rows, enum postern_reason reason)
{
	unsigned int i;

	for (i = 0; i < rows->count; i++) {
		if (rows->row[i].reason == reason)
			return true;
	}
	return false;
}

Test(cover, every_reason_of_the_programs)
{
	static const struct rows *const all[] = {
		&parse_rows, &screen_rows, &steer_rows, &back_rows, &own_rows,
	};
	unsigned int reason, i;
	bool found;

	for (reason = 0; reason < POSTERN_R_COUNT; reason++) {
		if (reason_origins[reason] > BACK_ROW)
			continue;
		for (found = false, i = 0; i < sizeof(all) / sizeof(*all); i++)
			found = found || in_rows(all[i], reason);
		cr_expect(found, "no case for %s", reason_names[reason]);
	}
}
