// Package native selects the backend of the platform that a program is built for: POSIX shared
// memory on Linux, named sections on Windows. Where there is none yet, [Backend] returns one whose
// methods report an error that matches [errors.ErrUnsupported] and names the platform, so that a
// program builds everywhere and says at run time what is missing.
package native
