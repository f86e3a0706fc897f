"""The Streamlit front end of ViT Explorer."""
