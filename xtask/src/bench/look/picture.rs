// SPDX-License-Identifier: GPL-2.0

//! Whether a picture shows anything.

use anyhow::{ensure, Context, Result};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// A PNG of this width that is not of one colour.
pub fn check(file: &Path, width: u32) -> Result<()> {
    let reader = BufReader::new(File::open(file)?);
    let mut png = png::Decoder::new(reader)
        .read_info()
        .with_context(|| format!("{} is no PNG", file.display()))?;
    let size = png.output_buffer_size().context("the picture is too big")?;
    let mut pixels = vec![0; size];
    let info = png.next_frame(&mut pixels)?;
    ensure!(
        info.width == width,
        "the picture is {} pixels wide, not {width}",
        info.width
    );
    let bytes = info.color_type.samples();
    let mut colours = pixels.chunks_exact(bytes.max(1));
    let first = colours.next().context("the picture is empty")?;
    ensure!(
        colours.any(|colour| colour != first),
        "the picture is of one colour"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn picture(dir: &Path, last: u8) -> Result<PathBuf> {
        let file = dir.join(format!("{last}.png"));
        let mut encoder = png::Encoder::new(File::create(&file)?, 2, 1);
        encoder.set_color(png::ColorType::Rgb);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&[7, 7, 7, 7, 7, last])?;
        writer.finish()?;
        Ok(file)
    }

    #[test]
    fn pictures() -> Result<()> {
        let dir = tempfile::tempdir()?;
        check(&picture(dir.path(), 8)?, 2)?;
        assert!(check(&picture(dir.path(), 8)?, 3).is_err());
        assert!(check(&picture(dir.path(), 7)?, 2).is_err());
        let text = dir.path().join("text.png");
        std::fs::write(&text, "no picture")?;
        assert!(check(&text, 2).is_err());
        Ok(())
    }
}
