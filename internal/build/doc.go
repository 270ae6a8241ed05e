// Package build holds what the mage targets of this repository do. The targets themselves, with
// their time budgets, are in magefile.go at the root.
//
// Everything here runs other programs: the go command, tools pinned by version, and for the
// interop tests a Python environment below .cache. Functions work from the root of the repository,
// which is where mage starts.
package build
