// Command reader makes the buffer "camera" and reads frames until their writer closes.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"

	"github.com/zerobuffer-go/zerobuffer/compat/native"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

func main() {
	r, err := zerobuffer.NewReader(native.Backend(), "camera", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	for frame, err := range r.Frames(ctx) {
		if err != nil {
			log.Print(err)
			return
		}
		fmt.Printf("frame %d: %s\n", frame.Sequence(), frame.Bytes())
		frame.Release()
	}
}
