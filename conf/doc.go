// Package conf reads PgOwl's settings and checks them, once: defaults, then a file, then the environment (PGOWL_*), then
// flags, each over the one before. The result is a value that nobody changes; main hands each part of the program the few
// settings that it needs. Errors are one line, name the setting and the reason, and never show a secret.
package conf
