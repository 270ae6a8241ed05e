module github.com/zerobuffer-go/zerobuffer/examples

go 1.26.0

require (
	github.com/google/go-cmp v0.7.0
	github.com/stretchr/testify v1.12.1
	github.com/zerobuffer-go/zerobuffer/backend-memfd v0.0.0
	github.com/zerobuffer-go/zerobuffer/compat v0.0.0
	github.com/zerobuffer-go/zerobuffer/core v0.0.0
	golang.org/x/term v0.47.0
)

require (
	github.com/HdrHistogram/hdrhistogram-go v1.4.0 // indirect
	github.com/zerobuffer-go/zerobuffer/backend-posix v0.0.0 // indirect
	github.com/zerobuffer-go/zerobuffer/backend-windows v0.0.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace (
	github.com/zerobuffer-go/zerobuffer/backend-memfd => ../backend-memfd
	github.com/zerobuffer-go/zerobuffer/backend-posix => ../backend-posix
	github.com/zerobuffer-go/zerobuffer/backend-windows => ../backend-windows
	github.com/zerobuffer-go/zerobuffer/compat => ../compat
	github.com/zerobuffer-go/zerobuffer/core => ../core
)
