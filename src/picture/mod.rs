//! Pictures as files: reading, fitting, writing with the settings inside, masks and maps.
