/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks for a name that is not there, for ever. */
#include <unistd.h>

int main(void)
{
	for (;;) {
		access("none", R_OK);
		usleep(1000);
	}
}
