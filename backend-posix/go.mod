module github.com/zerobuffer-go/zerobuffer/backend-posix

go 1.26.0

require github.com/zerobuffer-go/zerobuffer/core v0.0.0

replace github.com/zerobuffer-go/zerobuffer/core => ../core
