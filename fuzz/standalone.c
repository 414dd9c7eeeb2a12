/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Drives a target without libFuzzer: the inputs in the given files and
 * directories (else the target's seeds in $TOP), and then mutations of
 * them, the same in every run.
 *
 *	-n COUNT	so many mutations
 *	-s SECONDS	as many mutations as fit
 *
 * An input that breaks the target is left in the file crash-NAME.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fuzz/fuzz.h"

enum { INPUT_MAX = 8192, INPUTS = 1024, MUTATIONS = 4000,
       SHOWN = 64 };

struct input {
	uint8_t *data;
	size_t size;
};

static struct input input[INPUTS];
static size_t ninput;
static struct input now;	/* what is being tried */

void __sanitizer_set_death_callback(void (*f)(void)) __attribute__((weak));

static void keep_input(void)
{
	char name[64];
	int fd;

	if (!now.data)
		return;
	snprintf(name, sizeof(name), "crash-%s", fuzz_name);
	fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, now.data, now.size) != (ssize_t)now.size)
		return;
	dprintf(STDERR_FILENO, "the input (%zu bytes) is in %s:", now.size,
		name);
	for (size_t i = 0; i < now.size && i < SHOWN; i++)
		dprintf(STDERR_FILENO, " %02x", now.data[i]);
	dprintf(STDERR_FILENO, "\n");
}

static void on_abort(int sig)
{
	keep_input();
	signal(sig, SIG_DFL);
	raise(sig);
}

static void try(const uint8_t *data, size_t size)
{
	/* a copy of just this size: reading past its end is seen */
	now = (struct input){ malloc(size ? size : 1), size };
	if (!now.data)
		abort();
	if (size)
		memcpy(now.data, data, size);
	LLVMFuzzerTestOneInput(now.data, now.size);
	free(now.data);
	now = (struct input){ NULL, 0 };
}

static void add_file(const char *path)
{
	struct input *in = &input[ninput];
	FILE *f = fopen(path, "re");

	if (!f || ninput == INPUTS) {
		if (f)
			fclose(f);
		return;
	}
	in->data = malloc(INPUT_MAX);
	in->size = in->data ? fread(in->data, 1, INPUT_MAX, f) : 0;
	fclose(f);
	if (in->data)
		ninput++;
}

static void add(const char *path)
{
	struct dirent **entry;
	char file[4096];
	int n = scandir(path, &entry, NULL, alphasort);

	if (n < 0)
		add_file(path);
	for (int i = 0; i < n; i++) {
		snprintf(file, sizeof(file), "%s/%s", path, entry[i]->d_name);
		if (entry[i]->d_name[0] != '.')
			add_file(file);
		free(entry[i]);
	}
	if (n >= 0)
		free(entry);
}

static unsigned dice(unsigned sides)
{
	static uint64_t x = 88172645463325252u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return sides ? (x >> 16) % sides : 0;
}

/* A piece of any seed goes into the buffer, over or between its bytes. */
static size_t paste(uint8_t *buf, size_t size)
{
	const struct input *from = &input[dice(ninput)];
	size_t start = dice(from->size), n = dice(from->size - start) + 1;
	size_t at = dice(size + 1);

	if (!from->size || size + n > INPUT_MAX)
		return size;
	if (dice(2))
		memmove(buf + at + n, buf + at, size - at);
	else
		size = at;
	memcpy(buf + at, from->data + start, n);
	return size + n;
}

static size_t mutate(uint8_t *buf, size_t size)
{
	size_t at = dice(size), n;

	if (!size)
		return paste(buf, size);
	switch (dice(5)) {
	case 0:
		buf[at] ^= 1 << dice(8);
		return size;
	case 1:
		buf[at] = dice(256);
		return size;
	case 2:
		n = dice(size - at) + 1;
		memmove(buf + at, buf + at + n, size - at - n);
		return size - n;
	default:
		return paste(buf, size);
	}
}

static void try_mutation(void)
{
	uint8_t buf[INPUT_MAX];
	const struct input *in = &input[dice(ninput)];
	size_t size = in->size;

	memcpy(buf, in->data, size);
	for (unsigned n = dice(6) + 1; n; n--)
		size = mutate(buf, size);
	try(buf, size);
}

/* -n and -s; leaves argv at the first input. */
static void read_options(int argc, char **argv, long *count, time_t *end)
{
	int opt;

	while ((opt = getopt(argc, argv, "n:s:")) > 0) {
		if (opt == 'n')
			*count = atol(optarg);
		else if (opt == 's')
			*end = time(NULL) + atol(optarg);
		else
			exit(2);
	}
}

int main(int argc, char **argv)
{
	const char *top = getenv("TOP");
	long count = MUTATIONS, n;
	time_t end = 0;
	char seeds[4096];

	LLVMFuzzerInitialize(&argc, &argv);
	read_options(argc, argv, &count, &end);
	signal(SIGABRT, on_abort);
	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(keep_input);
	snprintf(seeds, sizeof(seeds), "%s/fuzz/corpus/%s", top ? top : ".",
		 fuzz_name);
	if (optind == argc)
		add(seeds);
	for (; optind < argc; optind++)
		add(argv[optind]);
	if (!ninput) {
		fprintf(stderr, "%s: no input\n", fuzz_name);
		return 2;
	}
	for (size_t i = 0; i < ninput; i++)
		try(input[i].data, input[i].size);
	for (n = 0; end ? time(NULL) < end : n < count; n++)
		try_mutation();
	printf("%s: %zu inputs, %ld mutations\n", fuzz_name, ninput, n);
	for (size_t i = 0; i < ninput; i++)
		free(input[i].data);
	return 0;
}
