// Package examples holds programs to run and to copy; each is in a directory of its own.
package examples
