// SPDX-License-Identifier: GPL-2.0
/* Format a finding and hand it to the report. No report, no words. */
#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "steering/say.h"

static void say(const struct steering_report *report, bool fatal, const char *fmt, va_list ap)
{
	char line[SAY_TEXT];

	if (!report || !report->say)
		return;
	vsnprintf(line, sizeof(line), fmt, ap);
	report->say(report->arg, fatal, line);
}

int say_fault(const struct steering_report *report, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(report, true, fmt, ap);
	va_end(ap);
	return 1;
}

void say_note(const struct steering_report *report, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(report, false, fmt, ap);
	va_end(ap);
}

static char complaint[SAY_TEXT / 2];

static int keep_complaint(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (level != LIBBPF_WARN || complaint[0])
		return 0;
	vsnprintf(complaint, sizeof(complaint), fmt, ap);
	complaint[strcspn(complaint, "\n")] = '\0';
	return 0;
}

void say_libbpf_begin(void)
{
	complaint[0] = '\0';
	libbpf_set_print(keep_complaint);
}

const char *say_libbpf(void)
{
	return complaint;
}
