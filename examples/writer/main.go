// Command writer waits for the reader of the buffer "camera" and writes ten frames to it.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/zerobuffer-go/zerobuffer/compat/native"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

func main() {
	ctx := context.Background()
	w, err := zerobuffer.OpenWriter(ctx, native.Backend(), "camera", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer w.Close()
	for i := range 10 {
		if err := w.WriteFrame(ctx, fmt.Appendf(nil, "hello %d", i)); err != nil {
			log.Print(err)
			return
		}
	}
}
