/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON: quoting of what is not plain text, and the writer's form. That
 * python3 reads it back, byte for byte, is shown by tools_commands.
 */
#include <stdlib.h>
#include "test/unit/tools_tap.h"
#include "tools/json.c"
#include "tools/utf8.c"

static const struct {
	const char *in, *out;
} quote_case[] = {
	{ "", "\"\"" },
	{ "plain", "\"plain\"" },
	{ "a\"b\\c/d", "\"a\\\"b\\\\c/d\"" },
	{ "\b\t\n\f\r", "\"\\b\\t\\n\\f\\r\"" },
	{ "\v\x01\x1f\x7f", "\"\\u000b\\u0001\\u001f\\u007f\"" },
	{ "gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\"" },
	{ "\xe2\x82\xac\xf0\x9f\x90\xa7", "\"\xe2\x82\xac\xf0\x9f\x90\xa7\"" },
	/* a byte that begins nothing, a sequence that ends too early */
	{ "\xff", "\"\\udcff\"" },
	{ "a\xe2\x82", "\"a\\udce2\\udc82\"" },
	{ "\xc3(", "\"\\udcc3(\"" },
	/* overlong, surrogate, beyond the last character */
	{ "\xc0\xaf", "\"\\udcc0\\udcaf\"" },
	{ "\xe0\x80\xaf", "\"\\udce0\\udc80\\udcaf\"" },
	{ "\xed\xa0\x80", "\"\\udced\\udca0\\udc80\"" },
	{ "\xf4\x90\x80\x80", "\"\\udcf4\\udc90\\udc80\\udc80\"" },
	{ "\xf4\x8f\xbf\xbf", "\"\xf4\x8f\xbf\xbf\"" },
};

static char *quoted(const char *s)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	json_quote(out, s);
	fclose(out);
	return text;
}

static void test_quote(void)
{
	size_t n = sizeof(quote_case) / sizeof(quote_case[0]);

	for (size_t i = 0; i < n; i++) {
		char *text = quoted(quote_case[i].in);

		tap_same(text, quote_case[i].out, quote_case[i].out);
		free(text);
	}
}

static void test_writer(void)
{
	char *text = NULL;
	size_t size;
	struct json j = { .out = open_memstream(&text, &size) };

	json_open(&j, NULL, '{');
	json_number(&j, "n", 4294967296ul);
	json_bool(&j, "yes", true);
	json_open(&j, "none", '[');
	json_close(&j, ']');
	json_open(&j, "some", '[');
	json_string(&j, NULL, "x");
	json_bool(&j, NULL, false);
	json_close(&j, ']');
	json_close(&j, '}');
	fclose(j.out);
	tap_same(text, "{\n  \"n\": 4294967296,\n  \"yes\": true,\n"
		 "  \"none\": [],\n"
		 "  \"some\": [\n    \"x\",\n    false\n  ]\n}\n",
		 "objects, arrays, empty ones, commas");
	free(text);
}

int main(void)
{
	test_quote();
	test_writer();
	return tap_end();
}
