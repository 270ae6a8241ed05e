// Command writer waits for the reader of a buffer and writes ten frames to it. The buffer is
// "camera", or the one whose address is given: go run ./examples/writer memfd:camera
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/zerobuffer-go/zerobuffer/compat/native"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

func main() {
	address := "camera"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	backend, name, err := native.Resolve(address)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	w, err := zerobuffer.OpenWriter(ctx, backend, name, nil)
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
