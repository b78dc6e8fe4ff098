//! An example is read in a minute.

use std::fs;

#[test]
fn every_example_has_fewer_than_30_lines_of_code() {
    let mut examples = 0;
    for file in fs::read_dir("src/bin").unwrap() {
        let file = file.unwrap().path();
        let text = fs::read_to_string(&file).unwrap();
        let is_code = |line: &&str| {
            !["", "//", "use "].iter().any(|it| match *it {
                "" => line.is_empty(),
                start => line.starts_with(start),
            })
        };
        let lines = text.lines().map(str::trim).filter(is_code).count();
        assert!(lines < 30, "{} has {lines} lines of code", file.display());
        examples += 1;
    }
    assert_eq!(examples, 6);
}
