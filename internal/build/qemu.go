package build

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// EmulatorEnv tells tests what to put in front of the test binary when they start it again: the
// machine itself does not know how to run it. core/drivertest/testproc reads it.
const EmulatorEnv = "ZEROBUFFER_TEST_EMULATOR"

// emulatorPackage is the one of Debian.
const emulatorPackage = "qemu-user-static"

// Emulated is what runs under qemu-user for one processor.
type Emulated struct {
	Arch     string
	Emulator string
	Packages []string
	Model    bool // run the model of the ring as well
}

// String names the directories whose tests run.
func (e Emulated) String() string {
	var dirs []string
	for _, p := range e.Packages {
		dirs = append(dirs, strings.TrimSuffix(strings.TrimPrefix(p, "./"), "/..."))
	}
	return strings.Join(dirs, ", ")
}

var emulated = []Emulated{
	{
		Arch: "arm64", Emulator: "qemu-aarch64-static", Model: true,
		Packages: []string{"./core/...", "./backend-posix/...", "./backend-memfd/..."},
	},
	{Arch: "riscv64", Emulator: "qemu-riscv64-static", Packages: []string{"./core/..."}},
}

// Unfit is a test that cannot work where a target runs it.
type Unfit struct {
	Test   string // as in go test -skip
	Reason string
}

// unfit is the one list of tests that are left out under qemu-user.
var unfit = []Unfit{
	{"TestAliveZombieAtFirstSightCrossProcess", "starts /proc/self/exe without the emulator"},
	{"TestAliveOfOtherUserCrossProcess", otherUser},
	{"TestAliveReaderOfOtherUserCrossProcess", otherUser},
	{"TestOpenPermissionCrossProcess", otherUser},
	{"TestOtherUserCrossProcess", otherUser},
	{"TestCreateReapsUnderLivingWriterDespiteHiddenCrossProcess", otherUser},
	{"TestTuneLockRefusedCrossProcess", otherUser},
	{"TestTunePrefault", advice},
	{"TestTunePrefaultTruncated", advice},
	{"TestTuneHugePages", advice},
	{"TestTuneOwnMapping", advice},
	{"TestTuneSealed", advice},
	{"TestAliveInvisiblePIDCrossProcess", namespaces},
	{"TestAliveStrangerWithThePIDCrossProcess", namespaces},
	{"TestAliveContainerOfOursCrossProcess", namespaces},
	{"TestAliveInvisibleReaderCrossProcess", namespaces},
	{"TestWatchUnseenPeerCrossProcess", namespaces},
	{"TestPlantedObjectsCrossProcess", namespaces},
	{"TestPlantedLockFilesCrossProcess", namespaces},
	{"TestPlantedLockDirectoriesCrossProcess", namespaces},
	{"TestPlantedWhileAliveCrossProcess", namespaces},
	{"TestLockDirectoryIsExchangedCrossProcess", namespaces},
	{"TestPlantedSocketsCrossProcess", namespaces},
	{"TestPlantedDefaultDirectoryCrossProcess", namespaces},
	{"TestTruncated", faultAddress},
	{"TestTruncatedMeetsTheEnd", faultAddress},
	{"TestTruncatedReadHasNoFrame", faultAddress},
	{"TestTruncatedWithAReservedFrame", faultAddress},
	{"TestTruncatedWhileBlocked", faultAddress},
	{"TestTruncatedInFullFlightCrossProcess", faultAddress},
	{"TestTruncatedInUse", faultAddress},
	{"TestTruncatedWhileAttaching", faultAddress},
	{"TestTruncatedWhileCreating", faultAddress},
	{"TestTruncatedWhileReconnecting", faultAddress},
	{"TestTruncatedBetweenFrames", faultAddress},
	{"TestTruncatedReservedMemoryGoes", faultAddress},
	{"TestTruncatedHeldMemoryGoes", faultAddress},
	{"TestTruncatedNested", faultAddress},
	{"TestGuardKeepsWhatTheProgramSet", faultAddress},
	{"TestCreateSmallShmCrossProcess", namespaces},
	{"TestCreateLeavesReaderInContainerAloneCrossProcess", namespaces},
	{"TestContainersCrossProcess", namespaces},
	{"TestOnlookerWithPIDOfDeadWriterCrossProcess", namespaces},
	{"TestWriterWaitsBesideLeftoverInUseCrossProcess", namespaces},
}

const namespaces = "qemu-user refuses to start a process in new namespaces"

const faultAddress = "qemu-user does not tell the address of a fault"

const advice = "qemu-user takes advice about memory and does nothing"

const otherUser = "the emulator opens the test binary by its path, where another user may not"

// Qemu runs the tests of core and of the backends for Linux on other processors, emulated.
func Qemu(ctx context.Context) error {
	var errs []error
	var tests, models Lane
	for _, e := range emulated {
		if _, err := exec.LookPath(e.Emulator); err != nil {
			errs = append(errs, fmt.Errorf("find the emulator for %s: %w; on Debian install %s",
				e.Arch, err, emulatorPackage))
			continue
		}
		tests = append(tests, e.tests())
		if e.Model {
			models = append(models, e.model())
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	err := RunTests(ctx, tests, models)
	printUnfit("qemu-user", unfit)
	return err
}

// printUnfit lists the tests that were left out.
func printUnfit(where string, tests []Unfit) {
	fmt.Printf("\nleft out under %s:\n", where)
	for _, u := range tests {
		fmt.Printf("  %s: %s\n", u.Test, u.Reason)
	}
}

// tests is the run of all tests for the processor.
func (e Emulated) tests() TestRun {
	run := TestRun{
		Name:     e.Arch,
		Packages: e.Packages,
		Flags:    []string{"-exec=" + e.Emulator, "-count=1", "-timeout=8m"},
		Env: []string{
			"GOOS=linux", "GOARCH=" + e.Arch, "CGO_ENABLED=0", EmulatorEnv + "=" + e.Emulator,
		},
		NoSkip: Strict(),
	}
	if skip := skipPattern(unfit); skip != "" {
		run.Flags = append(run.Flags, "-skip="+skip)
	}
	return run
}

// model is the run of the model of the ring: one package, which takes as long as many others.
func (e Emulated) model() TestRun {
	run := e.tests()
	run.Name += " zbsteps"
	run.Packages = []string{"./core/internal/ring"}
	run.Flags = append(run.Flags, "-tags=zbsteps", "-short")
	return run
}

// skipPattern is the list as go test -skip takes it. Subtests are named like "TestX$/^sub".
func skipPattern(tests []Unfit) string {
	var names []string
	for _, u := range tests {
		names = append(names, "^"+strings.ReplaceAll(u.Test, "/", "$/^")+"$")
	}
	return strings.Join(names, "|")
}
