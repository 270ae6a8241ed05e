package pattern

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

var all = []Pattern{Sequential, Random, Zero, Ones}

func TestSequentialFollowsTheContract(t *testing.T) {
	for _, size := range []int{1, 255, 257, chunk, chunk + 1, 3*chunk + 77} {
		for _, frame := range []uint64{0, 1, 255, 256, 1<<40 + 3} {
			data := make([]byte, size)
			Sequential.Fill(data, frame)
			for j, b := range data {
				if want := byte(frame + uint64(j)); b != want {
					t.Fatalf("size %d frame %d byte %d: got %d, want %d",
						size, frame, j, b, want)
				}
			}
		}
	}
}

func TestConstantPatterns(t *testing.T) {
	data := []byte{1, 2, 3}
	Zero.Fill(data, 7)
	require.Equal(t, []byte{0, 0, 0}, data)
	Ones.Fill(data, 7)
	require.Equal(t, []byte{255, 255, 255}, data)
	None.Fill(data, 7)
	require.Equal(t, []byte{255, 255, 255}, data)
	require.NoError(t, None.Verify([]byte{9}, 0))
}

func TestRandomDependsOnTheFrameAndNotOnItsSize(t *testing.T) {
	long, short, other := make([]byte, 1000), make([]byte, 13), make([]byte, 1000)
	Random.Fill(long, 5)
	Random.Fill(short, 5)
	Random.Fill(other, 6)
	require.Equal(t, long[:13], short)
	require.False(t, bytes.Equal(long, other))
	require.False(t, bytes.Equal(long[8:], other[:992]), "frames must not be shifted copies")
}

func TestVerifyAcceptsWhatFillWrote(t *testing.T) {
	for _, p := range all {
		for _, size := range []int{0, 1, 7, 9, chunk - 1, chunk, chunk + 5, 5*chunk + 1} {
			data := make([]byte, size)
			p.Fill(data, 300)
			if err := p.Verify(data, 300); err != nil {
				t.Errorf("%s, %d bytes: %v", p, size, err)
			}
		}
	}
}

func TestVerifyTellsTheFirstWrongByte(t *testing.T) {
	for _, p := range all {
		for _, at := range []int{0, 1, chunk - 1, chunk, 2*chunk + 9} {
			data := make([]byte, 2*chunk+10)
			p.Fill(data, 4)
			want := &MismatchError{p, 4, at, data[at] ^ 1, data[at]}
			data[at] ^= 1
			data[len(data)-1] ^= 0x80
			if at == len(data)-1 {
				want.Got = data[at]
			}
			var got *MismatchError
			require.ErrorAs(t, p.Verify(data, 4), &got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		}
	}
	require.EqualError(t, Sequential.Verify([]byte{3, 4, 7}, 3),
		"verify frame 3: byte 2 is 0x07, pattern sequential wants 0x05")
}

func TestParse(t *testing.T) {
	for _, p := range append(all, None) {
		got, err := Parse(p.String())
		require.NoError(t, err)
		require.Equal(t, p, got)
	}
	_, err := Parse("stripes")
	require.ErrorContains(t, err, "sequential")
	require.Equal(t, "pattern 77", Pattern(77).String())
}

func BenchmarkPattern(b *testing.B) {
	data := make([]byte, 3_110_400)
	for _, p := range all {
		b.Run(fmt.Sprintf("fill=%s", p), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				p.Fill(data, 3)
			}
		})
		p.Fill(data, 3)
		b.Run(fmt.Sprintf("verify=%s", p), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if err := p.Verify(data, 3); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
