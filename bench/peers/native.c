/*
 * Compiled C as a peer: the loops that memory bounds, as anybody would write them. Answers the requests that external.ts lists.
 * Buffers stay from run to run, so that no page is touched for the first time while it is timed.
 */
#define _POSIX_C_SOURCE 200112L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { OPERANDS = 2, LINE = 8192 };

static float *operands[OPERANDS];
static float *result;
static size_t length;

static void cheap(const float *restrict x, const float *restrict y, float *restrict out, size_t n) {
  for (size_t i = 0; i < n; i++) out[i] = x[i] * 2.0f + 1.0f - y[i] * 3.0f;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* "NAME:DTYPE:LENGTH:FILE" */
static float *operand(const char *text) {
  const char *colon = text;
  for (int i = 0; i < 2; i++) colon = strchr(colon, ':') + 1;
  length = strtoull(colon, NULL, 10);
  FILE *file = fopen(strchr(colon, ':') + 1, "rb");
  float *data = aligned_alloc(64, (length * sizeof(float) + 63) / 64 * 64);
  if (file == NULL || data == NULL || fread(data, sizeof(float), length, file) != length) exit(1);
  fclose(file);
  return data;
}

static int prepare(char *rest) {
  char *program = strtok(rest, " \n");
  if (strcmp(program, "cheap") != 0) return 0;
  for (int i = 0; i < OPERANDS; i++) {
    free(operands[i]);
    operands[i] = operand(strtok(NULL, " \n"));
  }
  free(result);
  result = aligned_alloc(64, (length * sizeof(float) + 63) / 64 * 64);
  return result != NULL;
}

static double sample(long runs) {
  const double start = now();
  for (long i = 0; i < runs; i++) cheap(operands[0], operands[1], result, length);
  return now() - start;
}

static void write_results(char *prefix) {
  char path[LINE];
  cheap(operands[0], operands[1], result, length);
  snprintf(path, sizeof path, "%s0", strtok(prefix, "\n"));
  FILE *file = fopen(path, "wb");
  if (file == NULL) exit(1);
  for (size_t i = 0; i < length; i++) {
    const double value = result[i];
    fwrite(&value, sizeof value, 1, file);
  }
  fclose(file);
}

int main(void) {
  char line[LINE];
  setvbuf(stdout, NULL, _IOLBF, 0);
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (strncmp(line, "version", 7) == 0) printf("version C, %s\n", __VERSION__);
    else if (strncmp(line, "prepare ", 8) == 0) puts(prepare(line + 8) ? "ready" : "none");
    else if (strncmp(line, "sample ", 7) == 0) printf("seconds %.9f\n", sample(strtol(line + 7, NULL, 10)));
    else {
      write_results(line + 8);
      puts("done 1");
    }
  }
  return 0;
}
