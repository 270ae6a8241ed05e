package winshm

//go:generate go run golang.org/x/sys/windows/mkwinsyscall@v0.49.0 -output zsyscall_unsafe_windows.go mksyscall.go

// Functions of Windows that golang.org/x/sys/windows does not have.

//sys createSemaphore(sa *windows.SecurityAttributes, initial int32, maximum int32, name *uint16) (handle windows.Handle, err error) [failretval == 0 || e1 == windows.ERROR_ALREADY_EXISTS] = kernel32.CreateSemaphoreW
//sys openSemaphore(access uint32, inherit bool, name *uint16) (handle windows.Handle, err error) = kernel32.OpenSemaphoreW
//sys releaseSemaphore(semaphore windows.Handle, count int32, previous *int32) (err error) = kernel32.ReleaseSemaphore
//sys ntQuerySemaphore(semaphore windows.Handle, class uint32, info *semaphoreInfo, size uint32, returned *uint32) (status uint32) = ntdll.NtQuerySemaphore
//sys openFileMapping(access uint32, inherit bool, name *uint16) (handle windows.Handle, err error) = kernel32.OpenFileMappingW
//sys globalMemoryStatusEx(status *memoryStatus) (err error) = kernel32.GlobalMemoryStatusEx
//sys virtualLock(addr uintptr, size uintptr) (err error) = kernel32.VirtualLock
