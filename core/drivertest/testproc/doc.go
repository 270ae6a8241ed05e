// Package testproc helps the tests of backends with processes: copies of the test binary that play
// the other side, and a look at what a run of the tests leaves behind.
//
// A package calls [Main] from its TestMain and names the commands that its children know. A test
// starts one by [Start]; child and test then go on in steps: the child says a line and waits, the
// test reads the line and lets it go on.
package testproc
