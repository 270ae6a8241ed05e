// Package winshm is the backend for Windows: a named section and two named semaphores.
package winshm
