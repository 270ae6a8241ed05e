package winshm

import (
	"fmt"

	"golang.org/x/sys/windows"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// security returns the descriptor that all named objects of a buffer get; the lock file has none.
func (b *Backend) security() (*windows.SecurityAttributes, error) {
	sddl := b.opts.SDDL
	if sddl == "" {
		sid, err := userSID()
		if err != nil {
			return nil, fmt.Errorf("find the current user: %w", err)
		}
		sddl = "D:P(A;;GA;;;" + sid + ")"
	}
	sd, err := windows.SecurityDescriptorFromString(sddl)
	if err != nil {
		return nil, fmt.Errorf("parse security descriptor %q: %w", sddl, err)
	}
	return securityAttributes(sd), nil
}

// userSID is the identity of the user whose process this is.
func userSID() (string, error) {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return "", err
	}
	return user.User.Sid.String(), nil
}

// notePermissions says that there are no modes and groups here.
func notePermissions(config *driver.Config) {
	if mode := config.Mode.Perm(); mode != 0 && mode != 0o600 || config.Group != nil {
		config.Logger.Warn("Mode and Group have no effect on Windows: use winshm.Options.SDDL",
			"mode", config.Mode)
	}
}
