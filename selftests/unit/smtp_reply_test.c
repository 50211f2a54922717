// SPDX-License-Identifier: GPL-2.0
/* The table of our own replies. */
#include <criterion/criterion.h>
#include <string.h>

#include "smtp/smtp.h"

/* B100: every reply of ours has its code, an enhanced code of the same class, and fits. */
Test(smtp_reply, rows)
{
	unsigned int code, i;
	const char *enhanced, *text;

	for (i = 0; i < SMTP_REPLY_COUNT; i++) {
		text = smtp_reply_text((enum smtp_reply)i, &code, &enhanced);
		cr_assert(code >= 200 && code < 600, "row %u", i);
		cr_assert((unsigned int)(enhanced[0] - '0') == code / 100, "row %u", i);
		cr_assert(strlen(text) <= 200, "row %u", i);
	}
}
