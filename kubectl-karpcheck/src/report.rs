//! What people and machines read. The only place that names comfy-table.
