//! ONNX graphs behind the seams: LiteMedSAM and PP-OCRv5
