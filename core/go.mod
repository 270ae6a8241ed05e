module github.com/zerobuffer-go/zerobuffer/core

go 1.26.0
