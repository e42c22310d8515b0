package devpage_test

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

var update = flag.Bool("update", false, "take the pictures of the page that the documents show")

// pictured takes the pictures that the documents show, with -update. A change of the page
// needs new ones only where the old ones would mislead.
func pictured(t *testing.T, _ *fake, tab *kit.Tab) {
	for _, look := range []string{"dark", "light"} {
		path := filepath.Join("pictures", look+".png")
		if *update {
			must(t, os.WriteFile(path, small(t, take(tab, look)), 0o644))
		}
		if file, err := os.Stat(path); err != nil || file.Size() > 60_000 {
			t.Errorf("%s: %v, or more than 60 kB", path, err)
		}
	}
}

// take is the picture of the bridge when its curves are full.
func take(tab *kit.Tab, look string) []byte {
	tab.Size(1280, 540)
	defer tab.Size(1280, 800)
	tab.Click("#tab-bridge")
	theme(tab, look)
	tab.Wait(2*time.Minute, `document.querySelector('.at-f0 polyline').getAttribute('points').trim().split(/\s+/).length >= 55`)
	return tab.Picture()
}

// small is a picture of at most 256 colours: its most frequent ones, and for each other the
// nearest of them. A page has few.
func small(t *testing.T, picture []byte) []byte {
	t.Helper()
	from, err := png.Decode(bytes.NewReader(picture))
	must(t, err)
	often := map[color.Color]int{}
	for y := range from.Bounds().Dy() {
		for x := range from.Bounds().Dx() {
			often[from.At(x, y)]++
		}
	}
	colours := slices.SortedFunc(maps.Keys(often), func(a, b color.Color) int { return often[b] - often[a] })
	to := image.NewPaletted(from.Bounds(), colours[:min(256, len(colours))])
	draw.Draw(to, to.Bounds(), from, image.Point{}, draw.Src)
	var out bytes.Buffer
	must(t, (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, to))
	return out.Bytes()
}
