/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vudebug's colour letters, and text that must not drive a terminal. */
#include <stdlib.h>
#include "test/unit/tools_tap.h"
#include "tools/colour.c"
#include "tools/term.c"
#include "tools/utf8.c"
#include <errno.h>

static const struct {
	const char *letters;
	int result;
	const char *parameters;
} colour_case[] = {
	{ "", 0, "" },
	{ "r", 0, "31" },
	{ "r+", 0, "31;1" },
	{ "wB_", 0, "37;44;4" },
	{ "nrgybmcw", 0, "30;31;32;33;34;35;36;37" },
	{ "-*#", 0, "2;5;7" },
	{ "x", -EINVAL, "" },
	{ "r:", -EINVAL, "31" },
	{ "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr", -E2BIG, NULL },
};

static void test_colours(void)
{
	size_t n = sizeof(colour_case) / sizeof(colour_case[0]);
	char parameters[32];

	for (size_t i = 0; i < n; i++) {
		int result = colour_parse(colour_case[i].letters, parameters,
					  sizeof(parameters));

		tap_ok(result == colour_case[i].result,
		       colour_case[i].letters);
		if (colour_case[i].parameters)
			tap_same(parameters, colour_case[i].parameters,
				 "its parameters");
	}
}

static const struct {
	const char *in, *out;
} safe_case[] = {
	{ "plain", "plain" },
	{ "a b", "a b" },
	{ "tab\there", "tab\\011here" },
	{ "\033[31mred", "\\033[31mred" },
	{ "back\\slash", "back\\134slash" },
	{ "\xc3\xbc", "\xc3\xbc" },
	{ "\xc2\x9b" "1m", "\\302\\2331m" },	/* CSI in one character */
	{ "\xff\x7f", "\\377\\177" },
};

static void test_safe(void)
{
	size_t n = sizeof(safe_case) / sizeof(safe_case[0]);

	for (size_t i = 0; i < n; i++) {
		char *text = NULL;
		size_t size;
		struct term t = { .out = open_memstream(&text, &size) };

		term_shaded(&t, SHADE_BAD, safe_case[i].in);
		fclose(t.out);
		tap_same(text, safe_case[i].out, safe_case[i].out);
		free(text);
	}
}

static const struct {
	const char *in;
	int width, used;
	const char *out;
} fit_case[] = {
	{ "abcdef", 0, 70, "abcdef" },
	{ "abcdef", 10, 3, "abcdef" },
	{ "abcdef", 10, 4, "abcde>" },
	{ "abcdef", 10, 12, ">" },
	{ "\xc3\xbc\xc3\xbc\xc3\xbc", 4, 1, "\xc3\xbc\xc3\xbc>" },
	{ "", 10, 12, "" },
};

static void test_fit(void)
{
	size_t n = sizeof(fit_case) / sizeof(fit_case[0]);

	for (size_t i = 0; i < n; i++) {
		char *text = NULL;
		size_t size;
		struct term t = { .out = open_memstream(&text, &size),
				  .width = fit_case[i].width };

		term_fit(&t, fit_case[i].in, fit_case[i].used);
		fclose(t.out);
		tap_same(text, fit_case[i].out, "what fits");
		free(text);
	}
}

int main(void)
{
	test_colours();
	test_safe();
	test_fit();
	return tap_end();
}
