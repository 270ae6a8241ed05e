module github.com/zerobuffer-go/zerobuffer/compat

go 1.26.0

require (
	github.com/HdrHistogram/hdrhistogram-go v1.4.0
	github.com/alecthomas/kong v1.17.0
	github.com/google/go-cmp v0.7.0
	github.com/schollz/progressbar/v3 v3.19.1
	github.com/stretchr/testify v1.12.1
	github.com/zerobuffer-go/zerobuffer/backend-memfd v0.0.0
	github.com/zerobuffer-go/zerobuffer/backend-posix v0.0.0
	github.com/zerobuffer-go/zerobuffer/backend-windows v0.0.0
	github.com/zerobuffer-go/zerobuffer/core v0.0.0
	golang.org/x/sys v0.49.0
	golang.org/x/term v0.47.0
)

require (
	github.com/mitchellh/colorstring v0.0.0-20190213212951-d06e56a500db // indirect
	github.com/rivo/uniseg v0.4.7 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)

replace (
	github.com/zerobuffer-go/zerobuffer/backend-memfd => ../backend-memfd
	github.com/zerobuffer-go/zerobuffer/backend-posix => ../backend-posix
	github.com/zerobuffer-go/zerobuffer/backend-windows => ../backend-windows
	github.com/zerobuffer-go/zerobuffer/core => ../core
)
